/** What Node does not document of modules, tried on the Node that runs the tests. */

import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import * as all from "../../src/node-modules.ts";
import { makeMain } from "../../src/node-modules.ts";

describe("what is known of modules", () => {
  it("are each tried here", () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), "utf8");
    expect(Object.keys(all).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
  });

  it("make a module the main one of its process", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "tsgate-test-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = path.join(realpathSync(dir), "main.cjs");
    writeFileSync(file, "module.exports = require.main === module;");
    onTestFinished(() => void Reflect.deleteProperty(process, "mainModule"));
    makeMain(file);
    expect(createRequire(import.meta.url)(file)).toBe(true);
  });
});
