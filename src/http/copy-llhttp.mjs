/** Puts llhttp's WebAssembly build into the package, with its licence: `dist/http/` then needs no other package. */

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const source = dirname(require.resolve("undici/package.json"));
const target = join(import.meta.dirname, "../../dist/http");

mkdirSync(target, { recursive: true });
writeFileSync(join(target, "llhttp.wasm"), require("undici/lib/llhttp/llhttp_simd-wasm.js"));
copyFileSync(join(source, "LICENSE"), join(target, "llhttp.LICENSE"));
