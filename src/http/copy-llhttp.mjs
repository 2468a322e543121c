/**
 * Puts llhttp's WebAssembly build into the package: `dist/http/` then needs no other package. Beside it stand its own licence,
 * which undici does not ship, and undici's, whose build it is.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const source = dirname(require.resolve("undici/package.json"));
const target = join(import.meta.dirname, "../../dist/http");

mkdirSync(target, { recursive: true });
writeFileSync(join(target, "llhttp.wasm"), require("undici/lib/llhttp/llhttp_simd-wasm.js"));
const licences = [
  { of: "llhttp", file: join(import.meta.dirname, "llhttp.LICENSE") },
  { of: "Its build to WebAssembly, by undici", file: join(source, "LICENSE") },
];
const texts = licences.map(({ of, file }) => `${of}\n\n${readFileSync(file, "utf8").trim()}\n`);
writeFileSync(join(target, "llhttp.LICENSE"), texts.join(`\n${"-".repeat(72)}\n\n`));
