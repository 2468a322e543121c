/** What stands in the worker's bundle for the module of undici that holds llhttp: see `http/built-wasm.ts`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export default readFileSync(join(import.meta.dirname, "http", "llhttp.wasm"));
