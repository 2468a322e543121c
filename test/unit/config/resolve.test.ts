import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveConfiguration, type ConfigurationRequest } from "../../../src/config/resolve.ts";
import { flagOf, variableOf } from "../../../src/config/setting-row.ts";
import { SETTING_KEYS } from "../../../src/config/settings.ts";
import type { Configuration } from "../../../src/config/types.ts";
import { TsgateError } from "../../../src/errors.ts";
import { temporaryTree } from "./temporary-tree.ts";

const machine = () => ({ cpus: 3 });

/** Resolves in an empty folder with three CPUs, unless `request` says otherwise. */
function resolved(request: Partial<ConfigurationRequest> = {}): Promise<Configuration> {
  return resolveConfiguration({
    flags: {},
    app: "app.js",
    env: {},
    cwd: request.cwd ?? temporaryTree(),
    machine,
    ...request,
  });
}

async function complaint(request: Partial<ConfigurationRequest>): Promise<string> {
  const error: unknown = await resolved(request).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TsgateError);
  expect((error as TsgateError).exitCode).toBe(2);
  expect((error as TsgateError).message).not.toContain("\n");
  return (error as TsgateError).message;
}

const folder = (config: unknown): string => temporaryTree({ "tsgate.config.json": JSON.stringify(config) });

describe("with nothing given", () => {
  test("every setting has its documented default", async () => {
    const { settings, origins, workersReason, configFile } = await resolved();
    expect(settings).toEqual({
      config: undefined,
      bind: [{ kind: "tcp", host: "127.0.0.1", port: 8000 }],
      backlog: 2048,
      workers: 3,
      interface: "auto",
      factory: false,
      listenMatch: undefined,
      nativeFetch: false,
      transport: "auto",
      validate: false,
      preload: false,
      waitReady: false,
      timeout: 30_000,
      bootTimeout: 60_000,
      gracefulTimeout: 30_000,
      linger: 5000,
      shutdownDelay: 0,
      surge: { kind: "percent", value: 25 },
      giveUp: 300_000,
      workerConnections: 0,
      python: undefined,
      pythonThreads: 1,
      pythonpath: [],
      keepAlive: 75_000,
      maxRequests: 0,
      maxRequestsJitter: 0,
      maxWorkerAge: 0,
      maxMemory: 0,
      headersTimeout: 15_000,
      bodyTimeout: 30_000,
      sendTimeout: 60_000,
      responseTimeout: 0,
      limitConcurrency: 0,
      limitRequestLine: 8190,
      limitRequestFields: 100,
      limitRequestFieldSize: 8190,
      limitRequestBody: 0,
      headerMap: "drop",
      forwardedAllowIps: ["127.0.0.1", "::1"],
      proxyProtocol: "off",
      proxyAllowFrom: ["127.0.0.1", "::1"],
      chdir: undefined,
      env: {},
      envFile: undefined,
      pid: undefined,
      mount: [],
      static: [],
      name: "tsgate",
      nodeArg: [],
      import: [],
      logLevel: "info",
      logFormat: "auto",
      logFile: undefined,
      accessLogfile: undefined,
      accessLogformat: "combined",
      requestId: "auto",
      captureOutput: false,
      adminBind: [],
      adminTokenFile: undefined,
      minReady: 1,
    });
    expect(new Set(Object.values(origins))).toEqual(new Set(["default"]));
    expect(workersReason).toBe("3 CPUs");
    expect(configFile).toBeUndefined();
  });

  test("$WEB_CONCURRENCY and $PORT stand in for defaults", async () => {
    const { settings, origins, workersReason } = await resolved({ env: { WEB_CONCURRENCY: "7", PORT: "3000" } });
    expect(settings.workers).toBe(7);
    expect(settings.bind).toEqual([{ kind: "tcp", host: null, port: 3000 }]);
    expect(origins).toMatchObject({ workers: "environment", bind: "environment" });
    expect(workersReason).toBe("$WEB_CONCURRENCY");
  });

  test("they are not looked at when something stronger is given, the configuration file included", async () => {
    const cwd = folder({ workers: 2, bind: ":9000" });
    const { settings, origins } = await resolved({ cwd, env: { WEB_CONCURRENCY: "x", PORT: "y" } });
    expect(settings.workers).toBe(2);
    expect(origins).toMatchObject({ workers: "file", bind: "file" });
  });

  test.each([
    [{ WEB_CONCURRENCY: "x" }, '$WEB_CONCURRENCY: "x" is not a whole number; give one from 1 to 4096'],
    [{ WEB_CONCURRENCY: "0" }, "$WEB_CONCURRENCY: 0 is too small"],
    [{ PORT: "http" }, '$PORT: "http" is not a whole number'],
    [{ PORT: "70000" }, "$PORT: 70000 is too large"],
  ])("%j is refused", async (env, message) => {
    expect(await complaint({ env })).toContain(message);
  });

  test("empty variables count as not set", async () => {
    const env = { WEB_CONCURRENCY: "", PORT: " ", TSGATE_WORKERS: "", TSGATE_PID: "", TSGATE_PRELOAD: "" };
    expect((await resolved({ env })).settings).toMatchObject({ workers: 3, pid: undefined, preload: false });
  });
});

describe("precedence", () => {
  const origins = ["default", "file", "environment", "command line"] as const;

  test("is default < file < environment < command line, whatever is given", async () => {
    const subset = fc.record({ file: fc.boolean(), environment: fc.boolean(), flag: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(subset, async (given) => {
        const config = given.file ? { name: "file", timeout: 1 } : {};
        const { settings, origins: found } = await resolveConfiguration({
          flags: given.flag ? { name: "command line", timeout: "3" } : {},
          app: "app.js",
          env: given.environment ? { TSGATE_NAME: "environment", TSGATE_TIMEOUT: "2" } : {},
          cwd: cwdFor(config),
          machine,
        });
        const strongest = given.flag ? 3 : given.environment ? 2 : given.file ? 1 : 0;
        expect(settings.name).toBe(strongest === 0 ? "tsgate" : origins[strongest]);
        expect(settings.timeout).toBe(strongest === 0 ? 30_000 : strongest * 1000);
        expect(found.name).toBe(origins[strongest]);
      }),
      { numRuns: 30 },
    );
  });

  const base = () => temporaryTree();
  let cwdOfTest: string | undefined;
  function cwdFor(config: unknown): string {
    cwdOfTest ??= base();
    writeFileSync(join(cwdOfTest, "tsgate.config.json"), JSON.stringify(config));
    return cwdOfTest;
  }

  test("replaces lists and variables as a whole", async () => {
    const cwd = folder({ bind: [":1", ":2"], env: { A: "file", B: "file" } });
    const { settings } = await resolved({ cwd, flags: { bind: [":3"], env: ["A=flag"] } });
    expect(settings.bind).toEqual([{ kind: "tcp", host: null, port: 3 }]);
    expect(settings.env).toEqual({ A: "flag" });
  });

  test("lets the command line turn off what the file turns on", async () => {
    expect((await resolved({ cwd: folder({ preload: true }), flags: { preload: false } })).settings.preload).toBe(
      false,
    );
  });

  test("does not hide a mistake behind a stronger value", async () => {
    expect(await complaint({ cwd: folder({ workers: "x" }), flags: { workers: "2" } })).toContain("workers in");
    expect(await complaint({ env: { TSGATE_WORKERS: "x" }, flags: { workers: "2" } })).toContain("TSGATE_WORKERS");
  });
});

describe("the environment", () => {
  test("separates lists by spaces and spells switches 0 and 1", async () => {
    const env = { TSGATE_BIND: ":80  [::1]:81", TSGATE_PRELOAD: "1", TSGATE_ENV: "A=1 B=2", TSGATE_WAIT_READY: "0" };
    const { settings } = await resolved({ env });
    expect(settings.bind).toEqual([
      { kind: "tcp", host: null, port: 80 },
      { kind: "tcp", host: "::1", port: 81 },
    ]);
    expect(settings).toMatchObject({ preload: true, waitReady: false, env: { A: "1", B: "2" } });
  });

  test.each([
    [{ TSGATE_WORKER: "2" }, "TSGATE_WORKER is not a setting of tsgate; did you mean TSGATE_WORKERS?"],
    [{ TSGATE_GRACEFULTIMEOUT: "2" }, "did you mean TSGATE_GRACEFUL_TIMEOUT?"],
    [{ TSGATE_: "2" }, "TSGATE_ is not a setting of tsgate"],
    [{ TSGATE_QUUX: "2" }, "TSGATE_QUUX is not a setting of tsgate; unset it"],
    [{ TSGATE_PRELOAD: "yes" }, 'TSGATE_PRELOAD: "yes" is not a switch; give 1 or 0'],
    [{ TSGATE_BIND: ":80 localhost" }, 'TSGATE_BIND: "localhost" has no port'],
    [{ TSGATE_ENV: "A" }, 'TSGATE_ENV: "A" is not an assignment'],
  ])("%j is refused", async (env, message) => {
    expect(await complaint({ env })).toContain(message);
  });
});

describe("the configuration file", () => {
  test("takes native values", async () => {
    const cwd = temporaryTree({
      "tsgate.config.mjs": `export default { bind: 8080, workers: 2, timeout: 2.5, linger: "500ms", surge: "50%", preload: true,
        env: { A: 1, B: true, C: "c" }, nodeArg: "--max-old-space-size=64", pid: null, name: undefined }`,
    });
    const { settings, origins, configFile } = await resolved({ cwd });
    expect(settings).toMatchObject({
      bind: [{ kind: "tcp", host: null, port: 8080 }],
      workers: 2,
      timeout: 2500,
      linger: 500,
      surge: { kind: "percent", value: 50 },
      preload: true,
      env: { A: "1", B: "true", C: "c" },
      nodeArg: ["--max-old-space-size=64"],
      pid: undefined,
      name: "tsgate",
    });
    expect(origins).toMatchObject({ workers: "file", pid: "default", name: "default" });
    expect(configFile).toBe(join(cwd, "tsgate.config.mjs"));
  });

  test.each<[unknown, string]>([
    [{ wrokers: 2 }, "wrokers in PATH is not a setting; did you mean workers?"],
    [{ graceful_timeout: 2 }, "did you mean gracefulTimeout?"],
    [{ onstarting: 1 }, "did you mean onStarting?"],
    [{ xylophone: 2 }, "xylophone in PATH is not a setting; the keys are listed in docs/settings.md"],
    [{ config: "x.js" }, "config in PATH cannot be set there; give --config or TSGATE_CONFIG"],
    [{ workers: 0 }, "workers in PATH: 0 is too small; give a whole number of at least 1"],
    [{ workers: "x" }, 'workers in PATH: "x" is not a whole number'],
    [{ bind: [] }, "bind in PATH: the list is empty; give at least one, such as 127.0.0.1:8000"],
    [{ bind: [{}] }, "bind in PATH: {} is not an address"],
    [{ preload: "on" }, 'preload in PATH: "on" is not a switch'],
    [{ env: { A: {} } }, "env in PATH: A is {}; give a string"],
    [{ env: "A" }, 'env in PATH: "A" is not an assignment'],
    [{ env: { TSGATE_X: "1" } }, "TSGATE_X is a setting of tsgate and has no effect there"],
    [
      { interface: "asgi" },
      'interface in PATH: "asgi" is not known; did you mean wsgi? (one of auto, gateway, fetch, node, server, wsgi)',
    ],
    [{ logLevel: "verbose" }, "give one of trace, debug, info, warn, error, fatal"],
    [{ nodeArg: ["foo"] }, 'nodeArg in PATH: "foo" is not an option of Node'],
    [{ app: 7 }, "app in PATH: 7 is not an application"],
    [{ appArgs: "x" }, 'appArgs in PATH: "x" is not a list of strings'],
    [{ whenReady: 1 }, "whenReady in PATH: 1 is not a function"],
    [[], "exports a list"],
  ])("%j is refused", async (config, message) => {
    const cwd = folder(config);
    const request = { cwd, ...("app" in Object(config) ? { app: undefined } : {}) };
    expect(await complaint(request)).toContain(message.replace("PATH", join(cwd, "tsgate.config.json")));
  });

  test("may name the application and its arguments", async () => {
    const cwd = folder({ app: "server.js", appArgs: ["--x"] });
    expect(await resolved({ cwd, app: undefined })).toMatchObject({ app: "server.js", appArgs: ["--x"] });
    expect(await resolved({ cwd, app: "other.js", appArgs: ["y"] })).toMatchObject({ app: "other.js", appArgs: ["y"] });
  });

  test("is named by --config or TSGATE_CONFIG, the flag first, and an absolute path afterwards", async () => {
    const cwd = temporaryTree({
      "a.json": '{"name":"a"}',
      "b.json": '{"name":"b"}',
      "tsgate.config.json": '{"name":"c"}',
    });
    const a = await resolved({ cwd, flags: { config: "a.json" }, env: { TSGATE_CONFIG: "b.json" } });
    expect([a.settings.name, a.settings.config, a.configFile]).toEqual(["a", join(cwd, "a.json"), join(cwd, "a.json")]);
    expect((await resolved({ cwd, env: { TSGATE_CONFIG: "b.json" } })).settings.name).toBe("b");
    expect((await resolved({ cwd })).settings.name).toBe("c");
  });

  test("gives its hooks", async () => {
    const cwd = temporaryTree({ "tsgate.config.mjs": "export default { whenReady() { return 7 } }" });
    expect((await resolved({ cwd })).hooks.whenReady?.()).toBe(7);
  });

  test("is read again at each call, as a reload needs it", async () => {
    const cwd = temporaryTree();
    for (const workers of [1, 2, 3]) {
      writeFileSync(join(cwd, "tsgate.config.mjs"), `export default { workers: ${workers} }`);
      expect((await resolved({ cwd })).settings.workers).toBe(workers);
    }
  });
});

describe("the command line", () => {
  test.each<[Record<string, unknown>, string]>([
    [{ workers: "0" }, "--workers: 0 is too small; give a whole number of at least 1"],
    [{ workers: "-1" }, "--workers: -1 is too small"],
    [{ workers: "x" }, '--workers: "x" is not a whole number; give one from 1 to 4096'],
    [{ bind: ["localhost"] }, '--bind: "localhost" has no port'],
    [{ bind: [":80", ":80"] }, "--bind: :80 is given twice; leave one out"],
    [{ gracefulTimeout: "0" }, '--graceful-timeout: "0" is too short'],
    [{ timeout: "100ms" }, '--timeout: "100ms" is too short; give at least 200ms'],
    [{ keepAlive: "0" }, "--keep-alive"],
    [{ pid: "" }, '--pid: "" is empty; give a path'],
    [{ chdir: "nowhere" }, "nowhere does not exist; name a directory that does"],
    [{ chdir: "/dev/null" }, "--chdir: /dev/null is not a directory"],
    [{ import: ["./gone.mjs"] }, "gone.mjs does not exist; check the path"],
    [{ nodeArg: ["--eval=1"] }, "would keep Node from running a worker"],
    [{ nodeArg: ["--require ./x.js"] }, "is more than one argument; give --require=./x.js"],
    [{ envFile: ".env" }, "--env-file: "],
    [{ backlog: "0" }, "--backlog: 0 is too small"],
  ])("%j is refused", async (flags, message) => {
    expect(await complaint({ flags })).toContain(message);
  });

  test("may hold native values of a program", async () => {
    const { settings } = await resolved({ flags: { workers: 2, bind: [8080], preload: true, env: { A: "1" } } });
    expect(settings).toMatchObject({ workers: 2, bind: [{ port: 8080 }], preload: true, env: { A: "1" } });
  });

  test("without an application says where one can be named", async () => {
    expect(await complaint({ app: undefined })).toBe(
      "no application was given; name a module, such as tsgate app.js, or set app in a configuration file",
    );
    const cwd = folder({});
    expect(await complaint({ cwd, app: undefined })).toContain(`or set app in ${join(cwd, "tsgate.config.json")}`);
  });

  test("says why there are this many workers", async () => {
    expect((await resolved({ flags: { workers: "2" } })).workersReason).toBe("--workers");
    expect((await resolved({ env: { TSGATE_WORKERS: "2" } })).workersReason).toBe("$TSGATE_WORKERS");
    const cwd = folder({ workers: 2 });
    expect((await resolved({ cwd })).workersReason).toBe(`workers in ${join(cwd, "tsgate.config.json")}`);
  });

  test("port 0 may be asked for twice", async () => {
    expect((await resolved({ flags: { bind: [":0", ":0"] } })).settings.bind).toHaveLength(2);
  });
});

describe("paths", () => {
  test("begin in chdir, but the configuration file is looked for where tsgate was started", async () => {
    const cwd = temporaryTree({
      "tsgate.config.json": '{"name":"outer"}',
      "app/tsgate.config.json": '{"name":"inner"}',
      "app/.env": "",
    });
    const flags = { chdir: "app", pid: "t.pid", logFile: "log/x.log", envFile: ".env", bind: ["unix:x.sock"] };
    const { settings } = await resolved({ cwd, flags });
    expect(settings).toMatchObject({
      name: "outer",
      chdir: join(cwd, "app"),
      pid: join(cwd, "app/t.pid"),
      logFile: join(cwd, "app/log/x.log"),
      envFile: join(cwd, "app/.env"),
      bind: [{ kind: "unix", path: join(cwd, "app/x.sock") }],
    });
  });

  test("of unix sockets are measured when they are whole", async () => {
    const cwd = temporaryTree({ [`${"d".repeat(90)}/x`]: "" });
    expect(await complaint({ cwd, flags: { chdir: "d".repeat(90), bind: ["unix:application.sock"] } })).toContain(
      "and the system takes 107",
    );
  });

  test("a log file of - is stderr", async () => {
    expect((await resolved({ flags: { logFile: "-" } })).settings.logFile).toBeUndefined();
  });
});

describe("the variables of workers", () => {
  test("come from the file where the environment has none, and --env is over both", async () => {
    const cwd = temporaryTree({ ".env": "A=file\nB=file\nC=file\n" });
    const { workerEnv } = await resolved({
      cwd,
      env: { B: "environment", C: "environment" },
      flags: { envFile: ".env", env: ["C=flag", "D=flag"] },
    });
    expect(workerEnv).toEqual({ A: "file", C: "flag", D: "flag" });
  });

  test("do not reach tsgate's own settings", async () => {
    const cwd = temporaryTree({ ".env": "WEB_CONCURRENCY=9\nPORT=9\n" });
    const { settings, workerEnv } = await resolved({ cwd, flags: { envFile: ".env" } });
    expect(settings.workers).toBe(3);
    expect(workerEnv).toEqual({ WEB_CONCURRENCY: "9", PORT: "9" });
  });

  test("are read again at each call", async () => {
    const cwd = temporaryTree({ ".env": "A=1" });
    expect((await resolved({ cwd, flags: { envFile: ".env" } })).workerEnv).toEqual({ A: "1" });
    writeFileSync(join(cwd, ".env"), "A=2");
    expect((await resolved({ cwd, flags: { envFile: ".env" } })).workerEnv).toEqual({ A: "2" });
  });
});

test("every setting has a flag and a variable of its own", () => {
  expect(new Set(SETTING_KEYS.map(flagOf)).size).toBe(SETTING_KEYS.length);
  expect(flagOf("gracefulTimeout")).toBe("--graceful-timeout");
  expect(variableOf("gracefulTimeout")).toBe("TSGATE_GRACEFUL_TIMEOUT");
});

test.runIf(Number(process.versions.node.split(".", 1)[0]) < 22)("an abstract address needs a newer Node", async () => {
  expect(await complaint({ flags: { bind: ["unix:@x"] } })).toContain(
    "--bind: unix:@x: abstract names need Node 22 or later",
  );
});
