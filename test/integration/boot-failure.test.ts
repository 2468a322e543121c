/**
 * A first start that cannot work: one sentence that says why, the user's own stack below it, the right exit code, and
 * no process, pidfile or socket left. Exit 4 is for what ends before the module has loaded, 3 for what comes after.
 */

import { describe, expect, test } from "vitest";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";

/** What an application that would be served looks like; it follows whatever keeps it from being served. */
const LISTENER = "export default (request, response) => response.end();\n";
const PAUSE = "const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));\n";

interface Case {
  readonly name: string;
  readonly code: string;
  readonly beside?: Readonly<Record<string, string>>;
  /** Default: `app.mjs`. */
  readonly file?: string;
  /** What stands before the application on the command line. */
  readonly flags?: readonly string[];
  readonly sentence: string;
  /** The place in the user's code that the stack must name; none when there is no error of the user's. */
  readonly place?: string;
}

describe("an application that does not load ends with exit code 4", () => {
  const cases: readonly Case[] = [
    {
      name: "a module that throws",
      code: `${LISTENER}throw new Error("no database");\n`,
      sentence: "application app.mjs failed to load: no database",
      place: "app.mjs:2:7",
    },
    {
      name: "a module that throws after a while",
      code: `${PAUSE}await pause(50);\nthrow new TypeError("no cache");\n`,
      sentence: "application app.mjs failed to load: no cache",
      place: "app.mjs:3:7",
    },
    {
      name: "a module whose awaited promise is rejected",
      code: `const connect = async () => {\n  throw new Error("no queue");\n};\nawait connect();\n`,
      sentence: "application app.mjs failed to load: no queue",
      place: "app.mjs:2:9",
    },
    {
      name: "a module that throws in a timer while it loads",
      code: `${PAUSE}setTimeout(() => {\n  throw new Error("no peer");\n}, 20);\nawait pause(30_000);\n`,
      sentence: "application app.mjs failed to load: no peer",
      place: "app.mjs:3:9",
    },
    {
      name: "a CommonJS module that throws",
      file: "app.cjs",
      code: `module.exports = () => {};\nthrow new Error("no mail");\n`,
      sentence: "application app.cjs failed to load: no mail",
      place: "app.cjs:2:7",
    },
    {
      name: "a module that throws what is no error",
      code: `throw "words";\n`,
      sentence: "application app.mjs failed to load: words",
    },
    {
      name: "a module that imports what is not there",
      code: `import "./missing.mjs";\n${LISTENER}`,
      sentence: "application app.mjs failed to load: Cannot find module 'DIR/missing.mjs' imported from DIR/app.mjs",
    },
    {
      name: "a module that exits with 0",
      code: `process.exit(0);\n`,
      sentence: "application app.mjs ended its process with exit code 0 while it was loading",
    },
    {
      name: "a module that exits with 7",
      code: `process.exit(7);\n`,
      sentence: "application app.mjs ended its process with exit code 7 while it was loading",
    },
    {
      name: "a module that dies of a signal",
      code: `process.kill(process.pid, "SIGKILL");\n${PAUSE}await pause(30_000);\n`,
      sentence: "application app.mjs was killed by SIGKILL while it was loading",
    },
    {
      name: "a module that never settles, with nothing left to wait for",
      code: `await new Promise(() => {});\n${LISTENER}`,
      sentence: "application app.mjs awaits something at its top level that can never settle",
    },
    {
      name: "a module that never settles, with a timer alive",
      flags: ["--boot-timeout", "1s"],
      code: `setInterval(() => {}, 1000);\nawait new Promise(() => {});\n`,
      sentence: "application app.mjs did not finish loading within 1 s (--boot-timeout)",
    },
    {
      name: "a module that never yields",
      flags: ["--boot-timeout", "1s"],
      code: `for (;;);\n`,
      sentence: "application app.mjs did not finish loading within 1 s (--boot-timeout)",
    },
    {
      name: "a syntax error in an ES module",
      code: `${LISTENER}\nconst answer = = 42;\n`,
      sentence: "application app.mjs failed to load: Unexpected token '='",
      place: "app.mjs:3",
    },
    {
      name: "a syntax error in a CommonJS module",
      file: "app.cjs",
      code: `module.exports = () => {};\nfunction (\n`,
      sentence: "application app.cjs failed to load: Function statements require a function name",
      place: "app.cjs:2",
    },
    {
      name: "a syntax error in what an ES module imports",
      code: `import "./lib/routes.mjs";\n${LISTENER}`,
      beside: {
        "lib/routes.mjs": `import "node:fs";\nimport "./users.mjs";\n`,
        "lib/users.mjs": `export const users = [];\n\nexport const find = (id) => users.find(;\n`,
      },
      sentence: "application app.mjs failed to load: Unexpected token ';'",
      place: "lib/users.mjs:3",
    },
    {
      name: "a factory that throws",
      flags: ["--factory"],
      code: `export default async function create() {\n  throw new Error("no settings");\n}\n`,
      sentence: "application app.mjs failed in its factory: no settings",
      place: "app.mjs:2:9",
    },
  ];

  test.each(cases)("$name", async ({ file = "app.mjs", code, beside, flags = [], sentence, place }) => {
    const project = await tempProject({ [file]: code, ...beside });
    const failed = await failedStart(project, [...flags, file]);
    expect(failed).toMatchObject({ code: 4, sentence });
    expect(failed.stack).toContain(place ?? "");
    if (place !== undefined) expect(failed.stack).toMatch(/^(?:\w+: |\s+at |\/|file:)/m);
  });

  test("a file that is not there", async () => {
    const project = await tempProject({ "server.mjs": LISTENER });
    expect(await failedStart(project, ["sever.mjs"])).toEqual({
      code: 4,
      sentence: "the application sever.mjs was not found: there is no DIR/sever.mjs; did you mean server.mjs?",
      stack: "",
    });
  });
});

describe("a worker that does not become ready ends with exit code 3", () => {
  const cases: readonly Case[] = [
    {
      name: "startup() throws",
      code: `${LISTENER}export function startup() {\n  throw new Error("no disk");\n}\n`,
      sentence: "application app.mjs failed in startup(): no disk",
      place: "app.mjs:3:9",
    },
    {
      name: "startup() rejects after a while",
      code: `${LISTENER}${PAUSE}export async function startup() {\n  await pause(20);\n  throw new Error("no net");\n}\n`,
      sentence: "application app.mjs failed in startup(): no net",
      place: "app.mjs:5:9",
    },
    {
      name: "startup() never settles, with nothing left to wait for",
      code: `${LISTENER}export const startup = () => new Promise(() => {});\n`,
      sentence: "application app.mjs has a startup() that can never settle",
    },
    {
      name: "startup() never settles, with a timer alive",
      flags: ["--boot-timeout", "4s"],
      code: `${LISTENER}setInterval(() => {}, 1000);\nexport const startup = () => new Promise(() => {});\n`,
      sentence: "application app.mjs has loaded, but its worker was not ready within 4 s (--boot-timeout)",
    },
    {
      name: "startup() exits",
      code: `${LISTENER}export const startup = () => process.exit(9);\n`,
      sentence: "application app.mjs ended its process with exit code 9 before its worker was ready",
    },
    {
      name: "--wait-ready, and nothing that could ever say it",
      flags: ["--wait-ready"],
      code: LISTENER,
      sentence: "application app.mjs never said process.send('ready'), and nothing is left that could (--wait-ready)",
    },
    {
      name: "--wait-ready, and it is not said in time",
      flags: ["--wait-ready", "--boot-timeout", "4s"],
      code: `${LISTENER}setInterval(() => {}, 1000);\n`,
      sentence: "application app.mjs has loaded, but its worker was not ready within 4 s (--boot-timeout)",
    },
  ];

  test.each(cases)("$name", async ({ code, flags = [], sentence, place }) => {
    const project = await tempProject({ "app.mjs": code });
    const failed = await failedStart(project, [...flags, "app.mjs"]);
    expect(failed).toMatchObject({ code: 3, sentence });
    expect(failed.stack).toContain(place ?? "");
  });
});

describe("--preload finds in the master, before the first fork,", () => {
  test("that the module throws", async () => {
    const project = await tempProject({ "app.mjs": `${LISTENER}throw new Error("no licence");\n` });
    const failed = await failedStart(project, ["--preload", "app.mjs"]);
    expect(failed).toMatchObject({
      code: 4,
      sentence: "application app.mjs failed to load in the master (--preload): no licence",
    });
    expect(failed.stack).toContain("app.mjs:2:7");
  });

  test("that the module listens", async () => {
    const code = `import http from "node:http";\nexport default http.createServer();\nhttp.createServer().listen(0);\n`;
    const project = await tempProject({ "app.mjs": code });
    const failed = await failedStart(project, ["--preload", "app.mjs"]);
    expect(failed).toMatchObject({
      code: 4,
      sentence:
        "application app.mjs failed to load in the master (--preload): a module that calls listen() cannot be preloaded; leave out --preload",
    });
    expect(failed.stack).toContain("app.mjs:3:21");
  });

  test("that the module never settles", async () => {
    const project = await tempProject({ "app.mjs": `await new Promise(() => {});\n${LISTENER}` });
    expect(await failedStart(project, ["--preload", "app.mjs"])).toEqual({
      code: 4,
      sentence: "application app.mjs awaits something at its top level that can never settle (--preload)",
      stack: "",
    });
  });

  test("that the module does not settle in time", async () => {
    const code = `setInterval(() => {}, 1000);\nawait new Promise(() => {});\n${LISTENER}`;
    const project = await tempProject({ "app.mjs": code });
    expect(await failedStart(project, ["--preload", "--boot-timeout", "1s", "app.mjs"])).toEqual({
      code: 4,
      sentence: "application app.mjs did not finish loading in the master within 1 s (--preload, --boot-timeout)",
      stack: "",
    });
  });

  test("that the module does not parse", async () => {
    const project = await tempProject({ "app.mjs": `${LISTENER}const answer = = 42;\n` });
    const failed = await failedStart(project, ["--preload", "app.mjs"]);
    expect(failed).toMatchObject({
      code: 4,
      sentence: "application app.mjs failed to load in the master (--preload): Unexpected token '='",
    });
    expect(failed.stack).toContain("app.mjs:2");
  });
});
