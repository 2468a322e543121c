/**
 * What a user may get wrong on the command line, in the environment, in files and in the choice of addresses: one
 * sentence that says what and where, the right exit code, nothing left behind, and nothing taken from a server that
 * runs already (`second-instance.test.ts`).
 */

import net from "node:net";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { failedStart } from "../support/failed-start.ts";
import type { FailedStart } from "../support/failed-start.ts";
import { freePort } from "../support/free-port.ts";
import { findCommand } from "../support/peers.ts";
import { tempProject } from "../support/temp-project.ts";

const APP = { "app.mjs": "export default (request, response) => response.end();\n" };

/** Starts with these arguments, files and variables; whatever is given, the application itself is good. */
async function start(
  args: readonly string[],
  {
    files = {},
    env = {},
    places,
  }: { files?: Record<string, string>; env?: Record<string, string>; places?: readonly string[] } = {},
): Promise<FailedStart> {
  const project = await tempProject({ ...APP, ...files });
  return failedStart(project, args, { env, ...(places === undefined ? {} : { places }) });
}

describe("the command line", () => {
  test.each([
    ["--wrokers 4 app.mjs", "--wrokers is not an option of tsgate; did you mean --workers?"],
    ["--bogus app.mjs", "--bogus is not an option of tsgate; see tsgate --help"],
    ["--workers 0 app.mjs", "--workers: 0 is too small; give a whole number of at least 1"],
    ["--workers -1 app.mjs", "--workers: -1 is too small; give a whole number of at least 1"],
    ["--workers x app.mjs", '--workers: "x" is not a whole number; give one from 1 to 4096'],
    [
      "--timeout soon app.mjs",
      '--timeout: "soon" is not a duration; give seconds or a unit, such as 500ms, 30s, 5m or 1h',
    ],
    [
      "--log-level loud app.mjs",
      '--log-level: "loud" is not known; give one of trace, debug, info, warn, error, fatal',
    ],
    [
      "--interface nod app.mjs",
      '--interface: "nod" is not known; did you mean node? (one of auto, gateway, fetch, node, server, wsgi)',
    ],
    [
      "app.mjs 8000",
      'only one application can be given, and "8000" is one too many; the application\'s own arguments follow --, as in tsgate app.mjs -- 8000',
    ],
    ["--chdir nowhere app.mjs", "--chdir: DIR/nowhere does not exist; name a directory that does"],
    ["--chdir app.mjs app.mjs", "--chdir: DIR/app.mjs is not a directory; name one"],
    ["", "no application was given; name a module, such as tsgate app.js, or set app in a configuration file"],
    ["--env-file .env app.mjs", "--env-file: DIR/.env does not exist; create it, or leave the setting out"],
    ["--log-file logs/out app.mjs", "cannot write to the log file DIR/logs/out: the directory DIR/logs does not exist"],
    ["--import ./nothing.mjs app.mjs", "--import: DIR/nothing.mjs does not exist; check the path"],
  ])("%s ends with exit code 2", async (line, sentence) => {
    const args = line.split(" ").filter((word) => word !== "");
    expect(await start(args)).toEqual({ code: 2, sentence, stack: "" });
  });

  test("--pid in a directory that is not there ends with exit code 2", async () => {
    const failed = await start(["--pid", "run/pid", "app.mjs"], { places: ["--bind", "unix:app.sock"] });
    expect(failed).toMatchObject({ code: 2, stack: "" });
    expect(failed.sentence).toBe("cannot write the pidfile DIR/run/pid: the directory DIR/run does not exist");
  });
});

describe("the environment", () => {
  test.each<[name: string, env: Record<string, string>, sentence: string]>([
    [
      "TSGATE_WROKERS",
      { TSGATE_WROKERS: "4" },
      "TSGATE_WROKERS is not a setting of tsgate; did you mean TSGATE_WORKERS?",
    ],
    [
      "a value",
      { TSGATE_TIMEOUT: "x" },
      'TSGATE_TIMEOUT: "x" is not a duration; give seconds or a unit, such as 500ms, 30s, 5m or 1h',
    ],
    [
      "$WEB_CONCURRENCY",
      { WEB_CONCURRENCY: "many" },
      '$WEB_CONCURRENCY: "many" is not a whole number; give one from 1 to 4096',
    ],
    ["$PORT", { PORT: "http" }, '$PORT: "http" is not a whole number; give one from 0 to 65535'],
  ])("%s that is wrong ends with exit code 2", async (_, env, sentence) => {
    expect(await start(["app.mjs"], { env, places: [] })).toEqual({ code: 2, sentence, stack: "" });
  });

  test("a file of variables that sets tsgate's own ends with exit code 2", async () => {
    const failed = await start(["--env-file", ".env", "app.mjs"], { files: { ".env": "TSGATE_WORKERS=4\n" } });
    expect(failed).toEqual({
      code: 2,
      sentence:
        "DIR/.env sets TSGATE_WORKERS, a setting of tsgate that has no effect there; set it where tsgate is started",
      stack: "",
    });
  });
});

describe("the configuration file", () => {
  test.each([
    [
      "does not parse",
      "tsgate.config.mjs",
      "export default {\n  workers: 2\n  linger: 1,\n};\n",
      "DIR/tsgate.config.mjs:3 does not parse: Unexpected identifier 'linger'",
    ],
    [
      "is no JSON",
      "tsgate.config.json",
      '{\n  "workers": 2,\n}\n',
      "DIR/tsgate.config.json:3:1 is not JSON: there is a comma before the }, which JSON does not allow",
    ],
    [
      "exports nonsense",
      "tsgate.config.mjs",
      "export default 4;\n",
      "DIR/tsgate.config.mjs exports 4; export an object of settings, such as export default { workers: 2 }",
    ],
    [
      "exports nothing",
      "tsgate.config.mjs",
      "const workers = 2;\n",
      "DIR/tsgate.config.mjs exports nothing; write export default { … }, or module.exports = { … }",
    ],
    [
      "has a key that is not known",
      "tsgate.config.mjs",
      "export default { wrokers: 2 };\n",
      "wrokers in DIR/tsgate.config.mjs is not a setting; did you mean workers?",
    ],
    [
      "has a value that cannot be used",
      "tsgate.config.mjs",
      "export default { linger: 'long' };\n",
      'linger in DIR/tsgate.config.mjs: "long" is not a duration; give seconds or a unit, such as 500ms, 30s, 5m or 1h',
    ],
    [
      "ends the process",
      "tsgate.config.mjs",
      "process.exit(0);\n",
      "DIR/tsgate.config.mjs ended the process while it was loading; a configuration file must not",
    ],
    [
      "has a hook that is no function",
      "tsgate.config.mjs",
      "export default { whenReady: 'now' };\n",
      'whenReady in DIR/tsgate.config.mjs: "now" is not a function; a hook is one',
    ],
  ])("that %s ends with exit code 2", async (_, file, text, sentence) => {
    expect(await start(["app.mjs"], { files: { [file]: text } })).toEqual({ code: 2, sentence, stack: "" });
  });

  test("that throws ends with exit code 2 and its own stack", async () => {
    const text = "const read = () => {\n  throw new Error('no vault');\n};\nexport default read();\n";
    const failed = await start(["app.mjs"], { files: { "tsgate.config.mjs": text } });
    expect(failed).toMatchObject({ code: 2, sentence: "DIR/tsgate.config.mjs failed to load: no vault" });
    expect(failed.stack).toContain("tsgate.config.mjs");
    expect(failed.stack).toMatch(/:2:9\)?$/m);
  });

  test("that is named and not there ends with exit code 2", async () => {
    const failed = await start(["-c", "prod.mjs", "app.mjs"]);
    expect(failed).toEqual({ code: 2, sentence: "--config: DIR/prod.mjs does not exist; check the path", stack: "" });
  });
});

describe("an address that is none ends with exit code 2", () => {
  test.each([
    ["localhost", '--bind: "localhost" has no port; give localhost:8000'],
    [
      "127.0.0.1:99999",
      '--bind: "127.0.0.1:99999" has a port out of range; give one from 1 to 65535, or 0 for any free one',
    ],
    ["fe80::1", '--bind: "fe80::1" holds an IPv6 address without brackets; give [fe80::1]:8000'],
    [
      "http://127.0.0.1:80",
      '--bind: "http://127.0.0.1:80" is a URL; give only host:port, :port, port, [::1]:port, unix:path, unix:@name or fd://n',
    ],
    ["unix:", '--bind: "unix:" has no path; give unix:/run/app.sock'],
    ["fd://x", '--bind: "fd://x" names no descriptor; give fd:// and a number, such as fd://3'],
  ])("%s", async (address, sentence) => {
    expect(await start(["app.mjs"], { places: ["--bind", address, "--pid", "pid"] })).toEqual({
      code: 2,
      sentence,
      stack: "",
    });
  });
});

describe("an address that cannot be bound ends with exit code 5", () => {
  test.each([
    ["nowhere.invalid:0", "cannot listen on nowhere.invalid:0: the host name is not known"],
    ["192.0.2.1:0", "cannot listen on 192.0.2.1:0: this machine has no such address"],
    ["fd://77", "cannot listen on fd://77: there is no such descriptor"],
    ["unix:run/app.sock", "cannot listen on unix:DIR/run/app.sock: the directory DIR/run does not exist"],
    ["unix:app.mjs", "cannot listen on unix:DIR/app.mjs: the path exists and is not a socket"],
  ])("%s", async (address, sentence) => {
    const places = ["--bind", "unix:first.sock", "--bind", address, "--pid", "pid"];
    expect(await start(["app.mjs"], { places })).toEqual({ code: 5, sentence, stack: "" });
  });

  test("a link that leads nowhere, in the place of a unix socket", async () => {
    const project = await tempProject(APP);
    await symlink("gone", project.path("app.sock"));
    const failed = await failedStart(project, ["app.mjs"]);
    expect(failed).toMatchObject({ code: 5, stack: "" });
    expect(failed.sentence).toMatch(/^cannot listen on unix:DIR\/app.sock: /);
  });

  test("a port in use, also when another of its family is free", async () => {
    const port = await occupiedPort();
    const places = ["--bind", "unix:first.sock", "--bind", `127.0.0.1:${port}`, "--pid", "pid"];
    expect(await start(["app.mjs"], { places })).toEqual({
      code: 5,
      sentence: `cannot listen on 127.0.0.1:${port}: the address is already in use`,
      stack: "",
    });
  });

  test("all addresses of a port that is in use on one of them", async () => {
    const port = await occupiedPort();
    expect(await start(["app.mjs"], { places: ["--bind", `:${port}`, "--pid", "pid"] })).toEqual({
      code: 5,
      sentence: `cannot listen on :${port}: the address is already in use`,
      stack: "",
    });
  });

  test("two addresses of which one holds the other", async () => {
    const port = await freePort();
    const places = ["--bind", `127.0.0.1:${port}`, "--bind", `:${port}`, "--pid", "pid"];
    expect(await start(["app.mjs"], { places })).toEqual({
      code: 5,
      sentence: `cannot listen on [::]:${port}: the address is already in use`,
      stack: "",
    });
  });

  // Root has the right, unless it is taken away; and some containers give it to everybody.
  const takeRight = process.getuid?.() === 0 ? findCommand("setpriv") : "";
  test.skipIf(takeRight === undefined || !arePortsGuarded())("a port below 1024 without the right", async () => {
    const project = await tempProject(APP);
    const wrapper = takeRight === "" ? [] : ["setpriv", "--bounding-set=-net_bind_service"];
    expect(await failedStart(project, ["app.mjs"], { places: ["--bind", "127.0.0.1:81"], wrapper })).toEqual({
      code: 5,
      sentence: "cannot listen on 127.0.0.1:81: permission denied",
      stack: "",
    });
  });
});

/** Whether port 81 takes a right on this machine. */
function arePortsGuarded(): boolean {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")) > 81;
  } catch {
    return false;
  }
}

/** A loopback port on which somebody listens for as long as the test runs. */
async function occupiedPort(): Promise<number> {
  const server = net.createServer();
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}
