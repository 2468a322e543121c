import { chmodSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AppReference } from "../../../src/app-ref.ts";
import { resolveAppReference } from "../../../src/config/app-reference.ts";
import { canRunTypeScript } from "../../../src/config/node-options.ts";
import { TsgateError } from "../../../src/errors.ts";
import { temporaryTree } from "./temporary-tree.ts";

const TREE = {
  "app.js": "",
  "api.ts": "",
  "server.mjs": "",
  "notes.txt": "",
  "legacy.py": "",
  "mysite/wsgi.py": "",
  "old-site/wsgi.py": "",
  "dist/server.cjs": "",
  "dist/main.js": "",
  "indexed/index.mjs": "",
  "mained/package.json": '{ "main": "lib/start" }',
  "mained/lib/start.js": "",
  "exported/package.json": '{ "main": "no.js", "exports": { ".": { "require": "./r.cjs", "import": "./i.mjs" } } }',
  "exported/i.mjs": "",
  "empty/readme.md": "",
  "node_modules/plain/package.json": '{ "main": "main.js" }',
  "node_modules/plain/main.js": "",
  "node_modules/plain/sub/deep.js": "",
  "node_modules/esm-only/package.json":
    '{ "exports": { ".": { "import": "./index.mjs" }, "./app/*": { "import": "./apps/*.mjs" } } }',
  "node_modules/esm-only/index.mjs": "",
  "node_modules/esm-only/apps/one.mjs": "",
  "node_modules/@scope/pkg/package.json": '{ "exports": "./x.js" }',
  "node_modules/@scope/pkg/x.js": "",
  "deep/er/x.js": "",
};

function refused(text: string, cwd = temporaryTree(TREE), runsTypeScript = true): TsgateError {
  try {
    resolveAppReference(text, cwd, runsTypeScript);
  } catch (error) {
    expect(error).toBeInstanceOf(TsgateError);
    expect((error as TsgateError).message).not.toContain("\n");
    return error as TsgateError;
  }
  throw new Error(`${text} was not refused`);
}

describe("an application reference", () => {
  test.each([
    ["app.js", "app.js", undefined],
    ["./app.js", "app.js", undefined],
    ["app", "app.js", undefined],
    ["app.js:application", "app.js", "application"],
    ["app:default", "app.js", "default"],
    ["app.js:$x_1", "app.js", "$x_1"],
    ["api", "api.ts", undefined],
    ["./api.ts", "api.ts", undefined],
    ["dist/server", "dist/server.cjs", undefined],
    ["dist/../server.mjs", "server.mjs", undefined],
    ["indexed", "indexed/index.mjs", undefined],
    ["indexed/", "indexed/index.mjs", undefined],
    ["./mained", "mained/lib/start.js", undefined],
    ["exported", "exported/i.mjs", undefined],
    ["plain", "node_modules/plain/main.js", undefined],
    ["plain/sub/deep.js:app", "node_modules/plain/sub/deep.js", "app"],
    ["esm-only", "node_modules/esm-only/index.mjs", undefined],
    ["esm-only/app/one:app", "node_modules/esm-only/apps/one.mjs", "app"],
    ["@scope/pkg", "node_modules/@scope/pkg/x.js", undefined],
  ])("%s is %s, export %s", (text, file, exportName) => {
    const cwd = temporaryTree(TREE);
    expect(resolveAppReference(text, cwd, true)).toEqual<AppReference>({ text, file: join(cwd, file), exportName });
  });

  test.each([
    ["mysite.wsgi:application", "mysite.wsgi", "application"],
    ["mysite.wsgi", "mysite.wsgi", "application"],
    ["other.wsgi:app", "other.wsgi", "app"],
    ["other.wsgi:site.app", "other.wsgi", "site.app"],
    ["legacy:app", "legacy", "app"],
  ])("%s is the Python module %s", (text, module, attribute) => {
    const cwd = temporaryTree(TREE);
    expect(resolveAppReference(text, cwd, true)).toMatchObject({ text, python: { module, attribute } });
  });

  test("is a Python module, whatever lies there, when it is said to be of kind wsgi", () => {
    const { python } = resolveAppReference("app", temporaryTree(TREE), true, "wsgi");
    expect(python).toEqual({ module: "app", attribute: "application" });
  });

  test("is no Python module when another kind is asked for", () => {
    expect(() => resolveAppReference("mysite.wsgi:app", temporaryTree(TREE), true, "fetch")).toThrow(
      /is a Python module; leave out --interface, or say --interface wsgi/,
    );
  });

  test("may be absolute", () => {
    const cwd = temporaryTree(TREE);
    expect(resolveAppReference(`${join(cwd, "app.js")}:x`, "/", true)).toMatchObject({
      file: join(cwd, "app.js"),
      exportName: "x",
    });
  });

  test("finds packages in the folders above", () => {
    const cwd = temporaryTree(TREE);
    expect(resolveAppReference("esm-only", join(cwd, "deep/er"), true).file).toBe(
      join(cwd, "node_modules/esm-only/index.mjs"),
    );
  });

  test("prefers a file to a package of the same name", () => {
    const cwd = temporaryTree({ ...TREE, "plain.js": "" });
    expect(resolveAppReference("plain", cwd, true).file).toBe(join(cwd, "plain.js"));
  });
});

describe("an application that is not there", () => {
  test.each([
    ["ap.js", /^the application ap\.js was not found: there is no \/.*\/ap\.js; did you mean app\.js\?$/],
    ["ap.js:application", /^the application ap\.js:application was not found: .* did you mean app\.js\?$/],
    ["app.ts", /did you mean (app\.js|api\.ts)\?/],
    ["main.js", /there is no .*\/main\.js; did you mean dist\/main\.js\?/],
    ["./nothing-like-it.js", /was not found: there is no .*; check the path$/],
    ["nothing-like-it", /there is no .* and no package nothing-like-it; check the path$/],
    ["nowhere/app.js", /was not found: there is no directory \/.*\/nowhere$/],
    [
      "./empty",
      /is a directory without an entry \(no main or exports in a package\.json, no index\.js\); name a file in it/,
    ],
    ["empty", /is a directory without an entry/],
    ["@scope/missing", /and no package @scope\/missing; check the path/],
    ["esm-only/hidden", /was not found/],
    ["http", /is a module of Node itself/],
    ["node:http", /is a module of Node itself/],
    ["notes.txt", /is a \.txt file, not a module/],
    ["legacy.py", /is a Python file; name the module, such as legacy:application$/],
    ["mysite/wsgi.py:application", /is a Python file; name the module, such as mysite\.wsgi:application$/],
    ["./mysite/wsgi.py", /such as mysite\.wsgi:application$/],
    ["old-site/wsgi.py", /such as wsgi:application, and its folder with --chdir or --pythonpath$/],
  ])("%s is refused with exit 4", (text, message) => {
    const error = refused(text);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: "APP_NOT_FOUND", exitCode: 4 });
  });

  test.each([
    ["app.js:", "names no export after the colon; give file or file:export, such as app.js:application"],
    ["app.js:a-b", 'names the export "a-b", which is not an identifier'],
    [":application", "names no module"],
    ["site.wsgi:make()", '"site.wsgi:make()" calls a factory; give --factory site.wsgi:make'],
    ["app.js:make('x')", "give --factory app.js:make, which calls it without arguments"],
    ["", "names no module"],
  ])("%j is no reference at all: exit 2", (text, message) => {
    const error = refused(text);
    expect(error.message).toContain(message);
    expect(error.exitCode).toBe(2);
  });

  test.skipIf(process.getuid?.() === 0)("a file that may not be read is refused", () => {
    const cwd = temporaryTree(TREE);
    chmodSync(join(cwd, "app.js"), 0);
    expect(refused("app.js", cwd).message).toContain("cannot be read");
  });
});

describe("TypeScript", () => {
  test("is refused with a hint where nothing can run it", () => {
    const error = refused("api.ts", temporaryTree(TREE), false);
    expect(error.message).toMatch(
      /is TypeScript, which Node v.* does not run; use Node 22\.18 or later, add --import tsx, or compile/,
    );
    expect(error.exitCode).toBe(4);
  });

  test.each([
    [{ nodeArg: [], import: ["tsx"] }, {}],
    [{ nodeArg: ["--import=tsx"], import: [] }, {}],
    [{ nodeArg: ["--experimental-strip-types"], import: [] }, {}],
    [{ nodeArg: [], import: [] }, { NODE_OPTIONS: "--enable-source-maps --import tsx" }],
  ])("can be run with %j and %j", (settings, env) => {
    expect(canRunTypeScript(settings, env)).toBe(true);
  });
});
