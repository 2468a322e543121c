/**
 * The configuration file as Node itself loads it: the code under test is bundled as it ships, because the test runner
 * would put its own loader under every `import()` of a source file.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { describe, expect, test } from "vitest";
import type * as ConfigFile from "../../../src/config/config-file.ts";
import { stripsTypes } from "../../../src/config/node-options.ts";
import type { TsgateError } from "../../../src/errors.ts";
import { temporaryTree } from "./temporary-tree.ts";

const { findConfigFile, hooksOf, readConfigFile } = shippedConfigFile();

function shippedConfigFile(): typeof ConfigFile {
  const [bundle] = buildSync({
    entryPoints: [join(import.meta.dirname, "../../../src/config/config-file.ts")],
    bundle: true,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    define: { "import.meta.dirname": "__dirname" },
    write: false,
  }).outputFiles;
  const path = join(mkdtempSync(join(tmpdir(), "tsgate-config-")), "config-file.cjs");
  writeFileSync(path, bundle?.contents ?? "");
  const loaded = createRequire(path)(path) as typeof ConfigFile;
  rmSync(dirname(path), { recursive: true });
  return loaded;
}

async function complaintAbout(name: string, text: string): Promise<TsgateError> {
  const error: unknown = await readConfigFile(join(temporaryTree({ [name]: text }), name)).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "TsgateError" });
  expect((error as TsgateError).exitCode).toBe(2);
  expect((error as TsgateError).message).not.toContain("\n");
  return error as TsgateError;
}

describe("the configuration file", () => {
  test.each([
    ["an ES module", "c.mjs", "export default { workers: 2 }"],
    ["a CommonJS module", "c.cjs", "module.exports = { workers: 2 }"],
    ["CommonJS in .js", "c.js", "module.exports = { workers: 2 }"],
    ["CommonJS out of a compiler", "c.cjs", "exports.__esModule = true; exports.default = { workers: 2 }"],
    ["JSON", "c.json", '{ "workers": 2 }'],
    ["JSON with a byte order mark", "c.json", '\uFEFF{ "workers": 2 }'],
    ["a function", "c.mjs", "export default () => ({ workers: 2 })"],
    ["an async function", "c.mjs", "export default async () => ({ workers: 2 })"],
    ["top-level await", "c.mjs", "export default await Promise.resolve({ workers: 2 })"],
  ])("may be %s", async (_, name, text) => {
    expect(await readConfigFile(join(temporaryTree({ [name]: text }), name))).toEqual({ workers: 2 });
  });

  test.each([
    ["c.mjs", (workers: number) => `export default { workers: ${workers} }`],
    ["c.js", (workers: number) => `module.exports = { workers: ${workers} }`],
    ["c.cjs", (workers: number) => `module.exports = { workers: ${workers} }`],
    ["c.json", (workers: number) => `{ "workers": ${workers} }`],
  ])("%s is read afresh each time", async (name, text) => {
    const path = join(temporaryTree(), name);
    for (const workers of [1, 2, 3]) {
      writeFileSync(path, text(workers));
      expect(await readConfigFile(path)).toEqual({ workers });
    }
  });

  test.each([
    ["nothing", "c.mjs", "", "exports nothing; write export default { … }, or module.exports = { … }"],
    ["only named exports", "c.mjs", "export const workers = 2", "has no default export (only workers)"],
    ["a number", "c.mjs", "export default 7", "exports 7; export an object of settings"],
    ["null", "c.mjs", "export default null", "exports null"],
    ["a list", "c.json", "[1]", "exports a list"],
    ["a string", "c.json", '"x"', 'exports "x"'],
    ["a function that returns nothing", "c.mjs", "export default () => {}", "exports undefined"],
    ["a function that returns a function", "c.mjs", "export default () => () => 1", "exports a function that returns"],
  ])("that exports %s is refused", async (_, name, text, complaint) => {
    expect((await complaintAbout(name, text)).message).toContain(complaint);
  });

  test.each([
    ["c.mjs", "export default {\n  workers 2\n}"],
    ["c.cjs", "module.exports = {\n  workers 2\n}"],
  ])("%s that does not parse is refused with file and line", async (name, text) => {
    expect((await complaintAbout(name, text)).message).toMatch(new RegExp(`/${name}:2 does not parse: Unexpected`));
  });

  test("in JSON that does not parse is refused with file, line and column", async () => {
    const { message } = await complaintAbout("c.json", '{\n  "workers": 2,\n}');
    expect(message).toMatch(/\/c\.json:3:1 is not JSON: there is a comma before the }/);
  });

  test("that throws keeps the user's own error as its cause", async () => {
    const error = await complaintAbout("c.mjs", 'throw new RangeError("no database")');
    expect(error.message).toContain("failed to load: no database");
    expect(error.cause).toMatchObject({ name: "RangeError", message: "no database" });
  });

  test("whose function rejects keeps the user's own error as its cause", async () => {
    const error = await complaintAbout("c.mjs", 'export default async () => { throw new Error("no vault") }');
    expect(error.message).toContain("failed: no vault");
    expect(error.cause).toMatchObject({ message: "no vault" });
  });

  test.each([
    ["c.mjs", "await new Promise(() => {}); export default {}"],
    ["d.mjs", "export default () => new Promise(() => {})"],
  ])("%s that never settles is refused", async (name, text) => {
    const path = join(temporaryTree({ [name]: text }), name);
    await expect(readConfigFile(path, 50)).rejects.toThrow(`${path} did not finish loading within 0.05 s`);
  });

  test("that imports a module that does not parse names the place in that module", async () => {
    const root = temporaryTree({ "c.mjs": 'import "./bad.mjs"; export default {}', "bad.mjs": "\nexport 1 2" });
    const error: unknown = await readConfigFile(join(root, "c.mjs")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`${join(root, "bad.mjs")}:2 does not parse: Unexpected`) as string,
    });
  });

  test("that imports what is not there is refused with the missing module named", async () => {
    expect((await complaintAbout("c.mjs", 'import "./gone.mjs"; export default {}')).message).toContain("gone.mjs");
  });

  test.skipIf(stripsTypes())("in TypeScript is refused with a hint on a Node that cannot run it", async () => {
    expect((await complaintAbout("c.ts", "export default { workers: 2 }")).message).toMatch(
      /is TypeScript, which Node v\d.* does not run; use Node 22\.18 or later, start tsgate with NODE_OPTIONS="--import tsx"/,
    );
  });

  test.runIf(stripsTypes())("may be TypeScript on a Node that runs it", async () => {
    const root = temporaryTree({ "c.ts": "const workers: number = 2; export default { workers }" });
    expect(await readConfigFile(join(root, "c.ts"))).toEqual({ workers: 2 });
  });
});

describe("finding the configuration file", () => {
  test("takes the first of js, mjs, ts and json in the directory", () => {
    const root = temporaryTree({ "tsgate.config.json": "{}", "tsgate.config.ts": "", "tsgate.config.mjs": "" });
    expect(findConfigFile(root, undefined)).toBe(join(root, "tsgate.config.mjs"));
  });

  test("finds none where there is none", () => {
    expect(findConfigFile(temporaryTree(), undefined)).toBeUndefined();
  });

  test("takes the named one, relative to where tsgate was started", () => {
    const root = temporaryTree({ "conf/production.cjs": "" });
    expect(findConfigFile(root, "conf/production.cjs")).toBe(join(root, "conf/production.cjs"));
  });

  test.each([
    ["conf.mjs", /^--config: .*conf\.mjs does not exist; did you mean .*\/config\.mjs\?$/],
    ["other/tsgate.json", /^--config: .* does not exist; check the path$/],
    ["folder", /folder is a directory; name a file/],
    ["settings.yaml", /is not a configuration file; give one that ends in \.js, /],
  ])("refuses %s", (named, complaint) => {
    const root = temporaryTree({ "config.mjs": "", "folder/x": "", "settings.yaml": "" });
    expect(() => findConfigFile(root, named)).toThrow(complaint);
  });
});

describe("hooks", () => {
  test("are the functions of the file under their names, bound to its object", () => {
    const object = {
      workers: 3,
      whenReady(this: { workers: number }) {
        return this.workers;
      },
    };
    const hooks = hooksOf("/c.js", object);
    expect(Object.keys(hooks)).toEqual(["whenReady"]);
    expect(hooks.whenReady?.()).toBe(3);
  });

  test("that are not functions are refused", () => {
    expect(() => hooksOf("/c.js", { onExit: "later" })).toThrow(
      'onExit in /c.js: "later" is not a function; a hook is one',
    );
  });
});
