/**
 * What stands in the built package for the module of undici that holds llhttp: the same bytes as a file beside it. The
 * build puts it there and this module in its place.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export default readFileSync(join(import.meta.dirname, "llhttp.wasm"));
