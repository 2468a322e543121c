/** llhttp is not optimised for a worker that has few requests, and the application's WebAssembly as V8 would. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { USUAL } from "../../../src/worker/late-optimising.ts";

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL("../../fixtures/late-optimising.mjs", import.meta.url));
/** The size of llhttp's large function, in bytes of WebAssembly. */
const LARGE = /^Compiled function \S+ using (\w+), .*\bbodysize \d{5}\b/gm;

test("a hundred heads do not have it optimised", async () => {
  const { stdout } = await run(process.execPath, ["--import=tsx", "--trace-wasm-compilation-times", PROGRAM]);
  expect(Array.from(stdout.matchAll(LARGE), ([, compiler]) => compiler)).toEqual(["Liftoff"]);
});

test("the flag that is put back is what V8 has by itself", async () => {
  const { stdout } = await run(process.execPath, ["--v8-options"]);
  const [, usual] = /default: --wasm-tiering-budget=(\d+)/.exec(stdout) ?? [];
  const [major = ""] = process.versions.node.split(".", 1);
  expect(USUAL[major]).toBe(Number(usual));
});
