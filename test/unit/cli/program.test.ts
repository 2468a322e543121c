import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../src/cli/program.ts";
import { flagOf, variableOf } from "../../../src/config/setting-row.ts";
import { rowOf, SETTING_KEYS } from "../../../src/config/settings.ts";
import { TsgateError } from "../../../src/errors.ts";

const parse = (line: string) => parseCommandLine(line === "" ? [] : line.split(" "));

describe("the command line", () => {
  test.each([
    ["app.js", {}],
    ["-w 4 app.js", { workers: "4" }],
    ["-w4 app.js", { workers: "4" }],
    ["app.js --workers 4", { workers: "4" }],
    ["--workers=4 app.js", { workers: "4" }],
    ["-w 4 -w 5 app.js", { workers: "5" }],
    ["--workers -1 app.js", { workers: "-1" }],
    ["-b :80 --bind unix:x app.js", { bind: [":80", "unix:x"] }],
    ["-e A=1 -e B=2 app.js", { env: ["A=1", "B=2"] }],
    ["--preload --wait-ready app.js", { preload: true, waitReady: true }],
    ["--no-preload app.js", { preload: false }],
    ["--preload --no-preload app.js", { preload: false }],
    ["--log-file x.log app.js", { logFile: "x.log" }],
    ["--error-logfile x.log app.js", { logFile: "x.log" }],
    ["--error-logfile - app.js", { logFile: "-" }],
    ["--node-arg --max-old-space-size=64 app.js", { nodeArg: ["--max-old-space-size=64"] }],
    ["--node-arg --import=x --import y app.js", { nodeArg: ["--import=x"], import: ["y"] }],
    ["--env-file .env --env A=1 app.js", { envFile: ".env", env: ["A=1"] }],
    ["-c c.js -t 5 -p x.pid -n shop app.js", { config: "c.js", timeout: "5", pid: "x.pid", name: "shop" }],
  ])("%s", (line, flags) => {
    expect(parse(line)).toEqual({ kind: "run", flags, app: "app.js", appArgs: [], mode: "serve" });
  });

  test("hands on what follows -- untouched", () => {
    expect(parse("app.js -- --workers 4 -h -- x")).toMatchObject({
      app: "app.js",
      flags: {},
      appArgs: ["--workers", "4", "-h", "--", "x"],
    });
  });

  test("may leave the application to the configuration file", () => {
    expect(parse("-c x.js -- a")).toEqual({ kind: "run", flags: { config: "x.js" }, appArgs: ["a"], mode: "serve" });
    expect(parse("")).toEqual({ kind: "run", flags: {}, appArgs: [], mode: "serve" });
  });

  test.each([
    ["app.js", "serve"],
    ["--check-config app.js", "check-config"],
    ["--print-config app.js", "print-config"],
    ["--check-config --print-config app.js", "print-config"],
  ])("%s: %s", (line, mode) => {
    expect(parse(line)).toMatchObject({ mode });
  });

  test("takes every setting of the table", () => {
    for (const key of SETTING_KEYS) {
      const { arity } = rowOf(key).type;
      const line = arity === "switch" ? flagOf(key) : `${flagOf(key)} x`;
      expect(parse(`${line} app.js`)).toMatchObject({
        app: "app.js",
        flags: { [key]: { switch: true, one: "x", many: ["x"] }[arity] },
      });
    }
  });

  test.each([
    ["--wrokers 4 app.js", "--wrokers is not an option of tsgate; did you mean --workers?"],
    ["--worker 4 app.js", "did you mean --workers?"],
    ["--loglevel debug app.js", "did you mean --log-level?"],
    ["--wrokers=4 app.js", "--wrokers is not an option of tsgate; did you mean --workers?"],
    ["--bogus app.js", "--bogus is not an option of tsgate; see tsgate --help"],
    ["--xylophone app.js", "--xylophone is not an option of tsgate; see tsgate --help"],
    ["-x app.js", "-x is not an option of tsgate; see tsgate --help"],
    ["--workers", "--workers needs a value; give --workers N"],
    ["-w", "--workers needs a value; give --workers N"],
    ["app.js --error-logfile", "--error-logfile needs a value; give --log-file FILE"],
    ["--pid --preload app.js", "--pid needs a value, and --preload follows it; give --pid FILE"],
    ["--preload=1 app.js", "--preload takes no value; give it alone"],
    [
      "app.js other.js",
      'and "other.js" is one too many; the application\'s own arguments follow --, as in tsgate app.js -- other.js',
    ],
  ])("%s is refused", (line, message) => {
    expect(() => parse(line)).toThrow(TsgateError);
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).toThrow(expect.objectContaining({ exitCode: 2 }) as Error);
  });
});

describe("--help", () => {
  const text = ((line) => (line.kind === "help" ? line.text : ""))(parse("--help"));

  test("has no line longer than 80 characters", () => {
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("shows every setting with its variable, in groups", () => {
    for (const key of SETTING_KEYS) {
      expect(text).toMatch(new RegExp(`^ .*${flagOf(key)}\\b`, "m"));
      expect(text).toContain(`[${variableOf(key)}; default:`);
    }
    for (const group of ["Sockets", "Workers", "Application", "Timeouts", "Process", "Logging", "Modes"]) {
      expect(text).toContain(`\n${group}:\n`);
    }
  });

  test("wins over everything but a mistake", () => {
    expect(parse("-h a b c")).toMatchObject({ kind: "help" });
    expect(parse("--version app.js")).toMatchObject({ kind: "version" });
    expect(() => parse("--help --wrokers 3")).toThrow("did you mean");
  });
});

test("--version says the version of the package and of Node", () => {
  for (const flag of ["-v", "--version"]) {
    expect(parse(flag)).toMatchObject({
      kind: "version",
      text: expect.stringMatching(/^tsgate \d+\.\d+\.\d+ \(node v\d+/) as string,
    });
  }
});
