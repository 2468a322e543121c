/** Where settings come from, and that they arrive: seen from outside, on the shipped binary. */

import { readFile, rename, symlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { stripsTypes } from "../../src/config/node-options.ts";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";

/** Answers with what it was given, as JSON. */
const MIRROR = `
export default (request, response) =>
  response.end(JSON.stringify({ title: process.title, env: process.env, argv: process.argv.slice(2), given: globalThis.given, execArgv: process.execArgv }));
`;

test("a flag wins over the environment, the environment over the file, the file over the default", async () => {
  const project = await tempProject({
    "app.mjs": MIRROR,
    "tsgate.config.mjs":
      "export default { workers: 4, name: 'from-file', env: { FROM: 'file' }, logLevel: 'debug' };\n",
  });
  const options = { cwd: project.dir, env: { TSGATE_WORKERS: "3", TSGATE_NAME: "from-environment" } };
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], options);
  expect(await server.waitForRecord("server starting")).toMatchObject({
    workers: 1,
    workersReason: "--workers",
    name: "from-environment",
    config: project.path("tsgate.config.mjs"),
  });
  const { env } = JSON.parse(await ask(await server.target())) as { env: Record<string, string> };
  expect(env["FROM"]).toBe("file");
  expect((await server.stop()).code).toBe(0);
});

describe("a configuration file that is found where tsgate is started", () => {
  test.each([
    [
      "tsgate.config.mjs",
      "export default { app: 'app.mjs', appArgs: ['a', 'b'], bind: 'unix:app.sock', workers: 1 };\n",
    ],
    [
      "tsgate.config.js",
      "module.exports = { app: 'app.mjs', appArgs: ['a', 'b'], bind: 'unix:app.sock', workers: 1 };\n",
    ],
    ["tsgate.config.json", '{ "app": "app.mjs", "appArgs": ["a", "b"], "bind": "unix:app.sock", "workers": 1 }\n'],
  ])("%s is enough to serve", async (name, text) => {
    const project = await tempProject({ "app.mjs": MIRROR, [name]: text });
    const server = startTsgate([], { cwd: project.dir });
    const { argv } = JSON.parse(await ask(await server.target())) as { argv: string[] };
    expect(argv).toEqual(["a", "b"]);
    expect((await server.stop()).code).toBe(0);
  });

  test("tsgate.config.ts is enough where Node runs it, and refused with what to do where it does not", async () => {
    const text =
      "import type { ConfigInput } from 'tsgate';\n" +
      "const config: ConfigInput = { app: 'app.mjs', bind: 'unix:app.sock', workers: 1 };\nexport default config;\n";
    const project = await tempProject({
      "app.mjs": MIRROR,
      "tsgate.config.ts": text,
      "package.json": '{ "type": "module" }',
    });
    if (!stripsTypes()) {
      const failed = await failedStart(project, []);
      expect(failed).toMatchObject({ code: 2, stack: "" });
      expect(failed.sentence).toMatch(
        /^DIR\/tsgate\.config\.ts is TypeScript, which Node NODE does not run; use Node 22\.18 or later/,
      );
      return;
    }
    const server = startTsgate([], { cwd: project.dir });
    expect(await ask(await server.target())).toContain("tsgate: worker 0");
    expect((await server.stop()).code).toBe(0);
  });
});

test("env, env-file, node-arg, import and name reach the workers, and env-file overrides nothing", async () => {
  const project = await tempProject({
    "app.mjs": MIRROR,
    "first.mjs": "globalThis.given = 'imported first';\n",
    ".env": 'FROM_FILE="a b"\nOVERRIDDEN=file\nPATH=/nowhere\nBOTH=file\n',
  });
  const args = ["--env", "FROM_FLAG=x=y", "--env", "BOTH=flag", "--env-file", ".env", "--import", "./first.mjs"];
  const server = startTsgate(
    [
      "--workers",
      "1",
      "--bind",
      "127.0.0.1:0",
      ...args,
      "--node-arg",
      "--max-old-space-size=99",
      "--name",
      "shop",
      "app.mjs",
    ],
    { cwd: project.dir, env: { OVERRIDDEN: "environment" } },
  );
  const { env, title, given, execArgv } = JSON.parse(await ask(await server.target())) as Record<string, string> & {
    env: Record<string, string>;
  };
  expect(env).toMatchObject({
    FROM_FLAG: "x=y",
    BOTH: "flag",
    FROM_FILE: "a b",
    OVERRIDDEN: "environment",
    PATH: process.env["PATH"],
  });
  expect({ title, given }).toEqual({ title: "tsgate: worker 0 [shop]", given: "imported first" });
  expect(execArgv).toContain("--max-old-space-size=99");
  expect(server.records.length).toBeGreaterThan(3);
  for (const { name } of server.records) expect(name).toBe("shop");
  if (process.platform === "linux") {
    const commandLine = await readFile(`/proc/${server.pid}/cmdline`, "utf8");
    expect(commandLine.replaceAll("\0", "")).toMatch(/^tsgate: master \[shop\]/);
  }
  expect((await server.stop()).code).toBe(0);
});

test("a reload follows --chdir into what its link points to now, and reads the files of variables afresh", async () => {
  const say = (what: string): string =>
    `export default (request, response) => response.end("${what} " + process.env.RELEASE);\n`;
  const project = await tempProject({
    "one/app.mjs": say("one"),
    "one/.env": "RELEASE=1\n",
    "two/app.mjs": say("two"),
    "two/.env": "RELEASE=2\n",
  });
  await symlink("one", project.path("current"));
  const args = [
    "--chdir",
    "current",
    "--env-file",
    ".env",
    "--workers",
    "2",
    "--linger",
    "50ms",
    "--bind",
    "127.0.0.1:0",
  ];
  const server = startTsgate([...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  const target = await server.target();
  expect(await ask(target)).toBe("one 1");
  await symlink("two", project.path("next"));
  await rename(project.path("next"), project.path("current"));
  expect(await ask(target)).toBe("one 1");
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  expect(await ask(target)).toBe("two 2");
  expect((await server.stop()).code).toBe(0);
});
