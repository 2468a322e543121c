/** `--check-config` and `--print-config`: everything is loaded and looked at, nothing is started. */

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { tempProject } from "../support/temp-project.ts";
import { runTsgate } from "../support/tsgate.ts";

const APP = `
import { writeFileSync } from "node:fs";
export const startup = () => writeFileSync("started", "");
export const application = (environ, startResponse) => (startResponse(200, []), []);
`;

test("--check-config says what was found and starts nothing", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const args = ["--check-config", "--workers", "3", "--bind", "unix:app.sock", "--pid", "pid", "app.mjs"];
  expect(await runTsgate(args, { cwd: project.dir })).toEqual({
    code: 0,
    signal: null,
    stdout:
      'the configuration is valid; app.mjs is of kind gateway (export "application", a gateway application), served by engine\n',
    stderr: "",
  });
  for (const name of ["started", "app.sock", "pid"]) expect(existsSync(project.path(name))).toBe(false);
});

test("--check-config says of a program that its own server serves", async () => {
  const project = await tempProject({
    "app.mjs": 'import http from "node:http";\nhttp.createServer().listen(3000);\n',
  });
  const { code, stdout } = await runTsgate(["--check-config", "app.mjs"], { cwd: project.dir });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      "the configuration is valid; app.mjs is of kind server (a program that calls listen(3000)), served by its own server (node:http)\n",
  });
});

test("--print-config shows each setting with its value and where it came from, and no secret", async () => {
  const project = await tempProject({
    "app.mjs": APP,
    "tsgate.config.mjs":
      "export default { app: 'app.mjs', linger: '2s', env: { API_TOKEN: 'hunter2', MODE: 'test' } };\n",
  });
  const { code, stdout, stderr } = await runTsgate(["--print-config", "--workers", "3"], {
    cwd: project.dir,
    env: { TSGATE_KEEP_ALIVE: "90" },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^application +app\.mjs$/m);
  expect(stdout).toMatch(/^configuration +\S+tsgate\.config\.mjs$/m);
  expect(stdout).toMatch(/^workers +3 +command line$/m);
  expect(stdout).toMatch(/^linger +2s +file$/m);
  expect(stdout).toMatch(/^keepAlive +90s +environment$/m);
  expect(stdout).toMatch(/^backlog +2048 +default$/m);
  expect(stdout).toContain("MODE=test");
  expect(stdout).not.toContain("hunter2");
  expect(stdout).toContain("app.mjs is of kind gateway");
});

test.each([
  ["a setting", ["--check-config", "--workers", "0", "app.mjs"], 2, /^tsgate: --workers: 0 is too small/],
  [
    "an application that does not load",
    ["--check-config", "broken.mjs"],
    4,
    /^tsgate: application broken.mjs failed to load: no\n.*\n? +at /,
  ],
  [
    "an application that is none",
    ["--check-config", "number.mjs"],
    4,
    /^tsgate: application number.mjs cannot be served/,
  ],
  [
    "an application that ends its process",
    ["--check-config", "exits.mjs"],
    4,
    /^tsgate: application exits.mjs ended its process with exit code 7/,
  ],
  [
    "an application that never settles",
    ["--check-config", "stuck.mjs"],
    4,
    /^tsgate: application stuck.mjs awaits something/,
  ],
  [
    "a file that is not there",
    ["--print-config", "missing.mjs"],
    4,
    /^tsgate: the application missing.mjs was not found/,
  ],
] as const)(
  "what is wrong with %s is found with the code that a start would end with",
  async (_, args, code, complaint) => {
    const project = await tempProject({
      "app.mjs": APP,
      "broken.mjs": "throw new Error('no');\n",
      "number.mjs": "export default 42;\n",
      "exits.mjs": "process.exit(7);\n",
      "stuck.mjs": "await new Promise(() => {});\n",
    });
    const result = await runTsgate(args, { cwd: project.dir });
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toMatch(complaint);
  },
);

test("--help and --version answer and end", async () => {
  const [help, version] = await Promise.all([runTsgate(["--help"]), runTsgate(["--version"])]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toMatch(/^Usage: tsgate \[options\] APP \[-- ARGS\]\n/);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  expect(version.stdout).toMatch(/^tsgate \d+\.\d+\.\d+ \(node v\d+/);
});
