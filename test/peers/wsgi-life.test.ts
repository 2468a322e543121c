/** The life of a Python application under the shipped binary: loading, failing, hanging, dying, reloading. */

import { readdirSync, readlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN, metricsOf, statusOf } from "../support/admin.ts";
import { ask } from "../support/ask.ts";
import type { PythonAccount } from "../../src/python-account.ts";
import { startControlled } from "../support/ctl.ts";
import { describeWithPeers } from "../support/peers.ts";
import { isAlive } from "../support/process-tree.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { runTsgate, startTsgate, Tsgate } from "../support/tsgate.ts";
import { PYTHON, PYTHON_PEER, startWsgi, WSGI_APPS } from "../support/wsgi.ts";

const BIND = ["--bind", "127.0.0.1:0"];

describeWithPeers("a Python application that cannot be served", [PYTHON_PEER], () => {
  test.each([
    ["a module that is not there", "nowhere.wsgi:app", /was not found: Python finds no module nowhere, first in \//],
    [
      "a module that imports what is not there",
      "lacking",
      /failed to load: ModuleNotFoundError: No module named 'no_such_thing'/,
    ],
    ["a module that raises", "raising", /failed to load: ValueError: at import/],
    ["a module that ends its interpreter", "leaving", /ended its interpreter while it was loading: exit code 7/],
    [
      "a name that is not there",
      "fine:nothing",
      /has no attribute nothing; it defines Asgi, application, asgi, asgi_object, make$/,
    ],
    [
      "a name that is no callable",
      "fine:number",
      /cannot be served: its number is an int; a WSGI application is a callable/,
    ],
    [
      "an asynchronous application",
      "fine:asgi",
      /its asgi is an ASGI application \(asynchronous\), and tsgate serves WSGI/,
    ],
    [
      "a function that makes one",
      "fine:make",
      /its make takes \(\), and a WSGI application .*; if it makes one, say --factory$/,
    ],
    ["an object that is called asynchronously", "fine:asgi_object", /is an ASGI application/],
  ])("%s ends with exit 4 and one sentence", async (_, app, sentence) => {
    const { dir } = await tempProject({
      "lacking.py": "import no_such_thing\n",
      "raising.py": "def deep():\n    raise ValueError('at import')\n\ndeep()\n",
      "leaving.py": "import os\nos._exit(7)\n",
      "fine.py": [
        "number = 3",
        "def application(environ, start_response): ...",
        "def make(): return application",
        "async def asgi(scope, receive, send): ...",
        "class Asgi:",
        "    async def __call__(self, scope, receive, send): ...",
        "asgi_object = Asgi()",
      ].join("\n"),
    });
    const { code, stderr } = await runTsgate(
      ["--python", PYTHON, ...BIND, "--log-level", "fatal", "--interface", "wsgi", app],
      { cwd: dir },
    );
    const [first = "", ...rest] = stderr.trimEnd().split("\n");
    expect(first).toMatch(sentence);
    expect(code).toBe(4);
    if (app === "raising")
      expect(rest.join("\n")).toMatch(/Traceback[^]*raising\.py", line 4[^]*raising\.py", line 2, in deep/);
    else if (!["lacking", "leaving"].includes(app)) expect(rest).toEqual([]);
  });

  test.each([
    [
      "that is not there",
      "/no/such/python",
      /needs Python, and \/no\/such\/python cannot be started: there is no such program/,
    ],
    ["that is none", "/bin/true", /needs Python, and \/bin\/true is none, or does not run: exit code 0; name one with/],
    ["that is too old", "./old-python", /needs Python 3\.9 or later, and \.\/old-python is Python 3\.8\.1/],
  ])("an interpreter %s ends with exit 4", async (_, python, sentence) => {
    const { dir } = await tempProject({ "app.py": "application = print\n" });
    const old = `#!/bin/sh\nexec ${PYTHON} -c 'import sys; sys.version_info = (3, 8, 1); sys.argv = sys.argv[1:]; exec(open(sys.argv[0]).read())' "$@"\n`;
    await writeFile(`${dir}/old-python`, old, { mode: 0o755 });
    const { code, stderr } = await runTsgate(["--python", python, ...BIND, "--log-level", "fatal", "app"], {
      cwd: dir,
    });
    expect(stderr).toMatch(sentence);
    expect(code).toBe(4);
  });

  test("an import that hangs is named with its place, and ends with exit 4 at the boot timeout", async () => {
    const { dir } = await tempProject({ "app.py": "import time\n\ntime.sleep(600)\n" });
    const server = startTsgate(["--python", PYTHON, ...BIND, "--boot-timeout", "8s", "app"], { cwd: dir });
    const { stack } = await server.waitForRecord("application is late");
    expect(stack).toMatch(/app\.py:3\)/);
    expect(await server.exited).toEqual({ code: 4, signal: null });
    expect(server.stderr).toContain("did not finish loading within 8 s (--boot-timeout)");
  });

  test("a setting of Python is refused for an application that is not", async () => {
    const { dir } = await tempProject({ "app.mjs": "export default (req, res) => res.end();" });
    const { code, stderr } = await runTsgate([...BIND, "--python-threads", "2", "--check-config", "app.mjs"], {
      cwd: dir,
    });
    expect(stderr).toContain("--python-threads has no effect on an application of kind node, only on kind wsgi");
    expect(code).toBe(2);
  });
});

describeWithPeers("a Python application that breaks the protocol", [PYTHON_PEER], () => {
  let server: Tsgate;

  beforeAll(async () => {
    const args = ["--python", PYTHON, "--workers", "1", ...BIND];
    server = new Tsgate([...args, "broken"], { cwd: WSGI_APPS });
    await server.waitForReady(1);
  });
  afterAll(() => server.cleanup());

  test.each([
    ["/returns_none", "returned None as its body"],
    ["/returns_str", "returned a str as its body"],
    ["/yields_str", "the body has a str as a chunk; chunks are bytes"],
    ["/never_starts", "without a call of start_response"],
    ["/starts_twice", "a second time without exc_info"],
    ["/status_number", "the status must be a str"],
    ["/status_short", "is not three digits"],
    ["/hop_by_hop", "the header Connection is the server's to send"],
    ["/header_split", "a control character stands in the head"],
    ["/header_wide", "cannot be sent in a header"],
    ["/header_bytes", "a header's name must be a str, not bytes"],
    ["/wrong_arity", "takes 1 positional argument but 2 were given"],
    ["/length_wrong", "is not a number of bytes"],
    ["/exits", "3"],
    ["/unprintable", "(its __str__ raised RuntimeError)"],
  ])("by %s is answered 500, with a traceback in the log", async (path, sentence) => {
    const { outcome, reply } = await requestOnce(await server.target(), { path });
    expect([outcome, reply?.status]).toEqual(["badStatus", 500]);
    const { error } = await server.waitForRecord({ msg: "application error", path });
    expect((error as { message: string }).message).toContain(sentence);
    expect((error as { stack: string }).stack).toMatch(/^Traceback|^TypeError|^AssertionError|^ValueError/);
    expect(server.exit).toBeUndefined();
  });

  test("but writes to wsgi.errors from a thread of its own gets both across", async () => {
    const { outcome, reply } = await requestOnce(await server.target(), { path: "/chatters" });
    expect([outcome, reply?.body.length]).toEqual(["ok", 13_107_200]);
    await server.waitForRecord({ msg: "wsgi.errors", text: "line 39" });
    expect(server.log.all("wsgi.errors").filter(({ path }) => path === "/chatters").length).toBe(40);
  });

  test("but has written half a line to wsgi.errors finds it in the log", async () => {
    await requestOnce(await server.target(), { path: "/mutters" });
    await server.waitForRecord({ msg: "wsgi.errors", path: "/mutters", text: "without an end" });
  });

  test("but fails when its whole reply is sent is told from the requests around it", async () => {
    const client = await connectRaw(await server.target());
    // At hand before their turn, on one thread.
    for (const path of ["/fails_in_close", "/yields_subclass", "/fails_in_close?2"]) client.get(path);
    await client.received(/whole[^]*of a [^]*subclass[^]*whole/);
    const failed = { msg: "application error", path: "/fails_in_close" };
    for (const nth of [1, 2]) {
      const { error } = await server.waitForRecord(failed, { nth });
      expect(error).toMatchObject({ name: "ValueError", message: "in close" });
    }
    expect(server.log.all({ msg: "application error", path: "/yields_subclass" })).toEqual([]);
    expect(client.statuses).toEqual([200, 200, 200]);
  });

  test("but writes to wsgi.errors when its request is over: without the name of another", async () => {
    for (const path of ["/mutters_late", "/yields_subclass", "/yields_subclass", "/lets_mutter"])
      expect((await requestOnce(await server.target(), { path })).outcome).toBe("ok");
    const late = await server.waitForRecord({ msg: "wsgi.errors", text: "late" });
    expect(late).not.toHaveProperty("path");
  });

  test("but forks and returns twice is answered once, and goes on", async () => {
    const { outcome, reply } = await requestOnce(await server.target(), { path: "/returns_in_child" });
    expect([outcome, reply?.status]).toEqual(["ok", 200]);
    await server.waitForOutput(/a process that the application forked has returned from the request, and ends/);
    await expect.poll(() => isAlive(Number(reply?.body)), { timeout: 15_000 }).toBe(false);
    expect((await requestOnce(await server.target(), { path: "/yields_subclass" })).outcome).toBe("ok");
    expect(server.log.all("interpreter died")).toEqual([]);
  });

  test("by a body that is not as long as it says: cut short, or broken off", async () => {
    const long = await requestOnce(await server.target(), { path: "/too_long" });
    expect(long.reply?.body.toString()).toBe("abc");
    const short = await requestOnce(await server.target(), { path: "/too_short" });
    expect(short.outcome).not.toBe("ok");
    await server.waitForRecord({ msg: "application error", path: "/too_short" });
  });

  // Last: what is written in the same second may be dropped as well.
  test("but writes more to wsgi.errors than the log takes: what is dropped is said", async () => {
    expect((await requestOnce(await server.target(), { path: "/floods_errors" })).outcome).toBe("ok");
    const dropped = await server.waitForRecord({ msg: "log records dropped", slot: 0 });
    expect(dropped["count"]).toBeGreaterThan(0);
  });
});

describeWithPeers("an interpreter", [PYTHON_PEER], () => {
  test("that hangs is reported with the Python stack and the request, and replaced", async () => {
    const server = await startWsgi("letter", { args: ["--timeout", "2s"] });
    const before = Number(await ask(await server.target(), "/pid"));
    const client = await connectRaw(await server.target());
    client.get("/waits?600&secret");
    const hung = await server.waitForRecord("worker hung");
    expect(hung).toMatchObject({ function: "waits", inFlight: 1, interpreterPid: before, slot: 0, level: 50 });
    expect(hung["stack"]).toMatch(/^ {4}at waits \(.*letter\.py:\d+\)\n {4}at application/);
    expect(hung["requests"]).toMatchObject([{ method: "GET", path: "/waits" }]);
    await client.received(/^HTTP\/1\.1 500 /);
    await server.waitForRecord({ msg: "worker gone", cause: "hung", code: 1 });
    await server.waitForRecord("worker ready", { nth: 2 });
    expect(server.log.all("uncaught exception in the application")).toEqual([]);
    expect(Number(await ask(await server.target(), "/pid"))).not.toBe(before);
    expect(isAlive(before)).toBe(false);
    expect(server.stderr).not.toContain("secret");
  });

  test("whose lock is held is hung even where other threads have nothing to do", async () => {
    const server = await startWsgi("letter", { args: ["--timeout", "2s", "--python-threads", "4"] });
    const client = await connectRaw(await server.target());
    client.get("/regexp");
    const { stack } = await server.waitForRecord("worker hung");
    expect(stack).toMatch(/at regexp \(.*letter\.py:\d+\)/);
    await client.received(/^HTTP\/1\.1 500 /);
    await server.waitForRecord("worker ready", { nth: 2 });
  });

  test("is not taken for hung, nor anybody else, when all stand still for longer than --timeout", async () => {
    const server = await startWsgi("letter", { args: ["--timeout", "6s"] });
    const target = await server.target();
    const python = Number(await ask(target, "/pid"));
    const client = await connectRaw(target);
    client.get("/waits?3");
    await server.waitForRecord("wsgi.errors");
    const all = [server.pid, ...server.workerPids(), python];
    for (const pid of all) process.kill(pid, "SIGSTOP");
    // The standstill itself is what is tested.
    await pause(8000);
    for (const pid of all) process.kill(pid, "SIGCONT");
    await client.received(/MainThread/);
    expect(Number(await ask(target, "/pid"))).toBe(python);
    expect(server.log.all(({ msg }) => ["worker hung", "worker killed", "worker gone"].includes(msg))).toEqual([]);
  });

  test("one of whose threads is at it for long is not hung", async () => {
    const server = await startWsgi("letter", { args: ["--timeout", "8s", "--python-threads", "2"] });
    expect(await ask(await server.target(), "/waits?12")).toMatch(/Thread|tsgate/);
    expect(server.log.all("worker hung")).toEqual([]);
  });

  test("that is killed fails only what it was at: who waits behind it is answered", async () => {
    const server = await startWsgi("letter");
    const target = await server.target();
    const before = Number(await ask(target, "/pid"));
    const busy = await connectRaw(target);
    busy.get("/waits?600");
    await server.waitForRecord("wsgi.errors");
    const waiting = [1, 2, 3].map(async () => ask(target, "/plain"));
    const last = await connectRaw(target);
    last.get("/plain");
    process.kill(before, "SIGKILL");
    await busy.received(/^HTTP\/1\.1 500 /);
    expect(await Promise.all(waiting)).toEqual(["plain\n", "plain\n", "plain\n"]);
    await last.received(/plain\n/);
    expect(await server.waitForRecord("interpreter died")).toMatchObject({
      application: "letter",
      interpreterPid: before,
      signal: "SIGKILL",
      code: null,
      found: "its Python ended: SIGKILL",
      inFlight: 1,
      requests: [{ method: "GET", path: "/waits" }],
      level: 50,
      slot: 0,
    });
    await server.waitForRecord({ msg: "worker gone", cause: "interpreter died", code: 1 });
    await server.waitForRecord("worker ready", { nth: 2 });
    expect(server.log.all("uncaught exception in the application")).toEqual([]);
    expect(await ask(target, "/plain")).toBe("plain\n");
  });

  test.each([
    ["ends itself", "/leaves", { code: 7, signal: null, found: "its Python ended: exit code 7" }],
    ["crashes", "/crashes", { code: null, signal: "SIGSEGV", function: "crashes", stack: /^ {4}at crashes \(/m }],
  ])("that %s is reported, counted and replaced", async (_, path, expected) => {
    const server = await startWsgi("letter", { args: ADMIN });
    const target = await server.target();
    const { outcome, reply } = await requestOnce(target, { path });
    expect([outcome, reply?.status]).toEqual(["badStatus", 500]);
    const { stack = /^/, ...facts } = expected as { stack?: RegExp };
    const died = await server.waitForRecord("interpreter died");
    expect(died).toMatchObject({ ...facts, requests: [{ method: "GET", path }] });
    expect(String(died["stack"])).toMatch(stack);
    await server.waitForRecord({ msg: "worker gone", cause: "interpreter died" });
    const { series } = await metricsOf(server);
    expect(series.get('tsgate_worker_exits_total{cause="interpreter died"}')).toBe(1);
    expect(series.get("tsgate_worker_hangs_total")).toBe(0);
    const types = (await statusOf(server)).events.map(({ type }) => type);
    expect(types).toContain("interpreter died");
    expect(types).not.toContain("crashed");
    await server.waitForRecord("worker ready", { nth: 2 });
    expect(await ask(target, "/plain")).toBe("plain\n");
  });

  test.each(["is killed", "ends with the server"])("that %s is gone, whatever it has forked", async (how) => {
    const server = await startWsgi("letter", { args: ["--graceful-timeout", "100s"] });
    const target = await server.target();
    const python = Number(await ask(target, "/pid"));
    const child = Number(await ask(target, "/forks"));
    try {
      if (how === "is killed") {
        const busy = await connectRaw(target);
        busy.get("/waits?600");
        await server.waitForRecord("wsgi.errors");
        process.kill(python, "SIGKILL");
        await busy.received(/^HTTP\/1\.1 500 /);
        await server.waitForRecord("worker ready", { nth: 2 });
        expect(await ask(target, "/plain")).toBe("plain\n");
      } else {
        server.signal("SIGTERM");
        await server.waitForRecord("server stopped");
      }
      expect(isAlive(child)).toBe(true);
      // The interpreter leaves that signal to its worker; its child does not.
      process.kill(child, "SIGTERM");
      await expect.poll(() => isAlive(child), { timeout: 15_000 }).toBe(false);
    } finally {
      if (isAlive(child)) process.kill(child, "SIGKILL");
    }
  });

  test.each([
    ["worker", "/waits?600"],
    ["worker", "/regexp"],
    ["master", ""],
  ])("never outlives its %s, at %s", async (who, path) => {
    const server = await startWsgi("letter");
    const python = Number(await ask(await server.target(), "/pid"));
    const client = await connectRaw(await server.target());
    const worker = Number((await server.waitForRecord("worker ready")).pid);
    if (who === "worker") {
      client.get(path);
      await server.waitForRecord("wsgi.errors");
      process.kill(worker, "SIGKILL");
      await expect.poll(() => isAlive(python), { timeout: 15_000 }).toBe(false);
      await server.waitForRecord("worker ready", { nth: 2 });
    } else {
      process.kill(server.pid, "SIGKILL");
      await expect.poll(() => isAlive(python) || isAlive(worker), { timeout: 15_000 }).toBe(false);
    }
  });

  test("ends with the server, and a request in flight is answered before", async () => {
    const server = await startWsgi("letter");
    const python = Number(await ask(await server.target(), "/pid"));
    const client = await connectRaw(await server.target());
    client.get("/waits?1");
    await server.waitForRecord("wsgi.errors");
    server.signal("SIGTERM");
    await client.received(/MainThread/);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(python)).toBe(false);
  });

  test("counts with its worker for --max-memory", async () => {
    const { dir } = await tempProject({
      "app.py": [
        "held = []",
        "def application(environ, start_response):",
        "    held.append(bytearray(b'x') * 200_000_000)",
        "    start_response('200 OK', [('Content-Type', 'text/plain')])",
        "    return [b'held']",
      ].join("\n"),
    });
    const server = await startWsgi("app", { cwd: dir, args: ["--max-memory", "160m"] });
    await ask(await server.target());
    expect(await server.waitForRecord({ msg: "worker draining", why: "max memory" })).toMatchObject({ slot: 0 });
    await server.waitForRecord({ msg: "worker gone", cause: "max memory" });
  });
});

describeWithPeers("tsgate ctl stack of a Python application", [PYTHON_PEER], () => {
  test("tells where its threads are, also while they hang", async () => {
    const python3 = ["--interface", "wsgi", "--python", PYTHON, "--pythonpath", WSGI_APPS, "--python-threads", "4"];
    const { server, ctl } = await startControlled([...python3, "--timeout", "100s"], { app: "letter", workers: 1 });
    const target = await server.target();
    const python = Number(await ask(target, "/pid"));
    for (const path of ["/waits?600", "/regexp"]) {
      (await connectRaw(target)).get(path);
      await server.waitForRecord({ msg: "wsgi.errors", path: path.split("?")[0] ?? "" });
    }
    const { code, stdout, stderr } = await ctl("stack", "0", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { profile, pythons } = JSON.parse(stdout) as { profile: object; pythons: readonly PythonAccount[] };
    expect(profile).toBeDefined();
    expect(pythons).toMatchObject([{ application: "letter", pid: python, idle: 2, withClient: 0 }]);
    const places = pythons[0]?.threads?.map(({ frames }) => frames.find(({ file }) => file.endsWith("letter.py")));
    expect(places?.map((place) => place?.function).toSorted()).toEqual(["regexp", "waits"]);
    expect(pythons[0]?.requests.map(({ path }) => path).toSorted()).toEqual(["/regexp", "/waits"]);
    const text = (await ctl("stack", "0")).stdout;
    expect(text).toMatch(/^Python of letter, pid \d+: 2 idle$/m);
    expect(text).toMatch(/^ {2}at waits \(.*letter\.py:\d+\)$/m);
    expect(text).toMatch(/^2 at work:\n +\d+s {2}GET \//m);
  });
});

describeWithPeers("a client that leaves Python waiting", [PYTHON_PEER], () => {
  test("for a body that it wanted to be asked for is cut at --body-timeout, and the thread is free", async () => {
    const server = await startWsgi("letter", { args: ["--body-timeout", "1s"] });
    const client = await connectRaw(await server.target());
    client.send("POST /digest HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    await client.received(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    expect(await ask(await server.target(), "/plain")).toBe("plain\n");
    await client.received(/\r\n\r\nHTTP\/1\.1 408 /);
  });

  test("for the rest of a body, because it has reset its connection before its turn came, is not run, or its input breaks", async () => {
    const server = await startWsgi("letter");
    const target = await server.target();
    (await connectRaw(target)).get("/waits?2");
    await server.waitForRecord("wsgi.errors");
    const client = await connectRaw(target);
    client.send("POST /tells-break HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
    await new Promise((resolve) => client.socket.write(Buffer.alloc(1_500_000), resolve));
    client.socket.resetAndDestroy();
    // Behind it, on the same thread.
    expect(await ask(target, "/plain")).toBe("plain\n");
    for (const { text } of server.log.all({ msg: "wsgi.errors", path: "/tells-break" }))
      expect(text).toMatch(/^broken off: the client closed the connection before its request was complete/);
    expect(server.log.all("application error")).toEqual([]);
  });
});

describeWithPeers("a file of wsgi.file_wrapper", [PYTHON_PEER], () => {
  test("is sent by the worker: a client that does not read it holds no thread", async () => {
    const server = await startWsgi("letter");
    const target = await server.target();
    const fetchFile = async (tens: number, query = "", method = "GET"): Promise<Response> =>
      fetch(`${await server.url()}/large-file${query}`, { method, headers: { "X-Tens": String(tens) } });
    const whole = await (await fetchFile(300_000)).text();
    expect([whole.length, whole.slice(0, 12), whole.slice(-3)]).toEqual([2_999_993, "789012345678", "789"]);
    const part = await fetchFile(300_000, "?1000000");
    expect([part.headers.get("content-length"), (await part.text()).length]).toEqual(["1000000", 1_000_000]);
    const small = await (await fetchFile(20)).text();
    expect([small.length, small.slice(0, 4)]).toEqual([193, "7890"]);
    expect(await (await fetchFile(300_000, "", "HEAD")).text()).toBe("");
    const slow = await connectRaw(target);
    slow.socket.pause();
    slow.send("GET /large-file HTTP/1.1\r\nHost: x\r\nX-Tens: 6000000\r\n\r\n");
    await expect.poll(() => ask(target, "/show-closed"), { timeout: 30_000 }).toBe("file file file file file");
    const worker = server.workerPids()[0] ?? 0;
    const openFiles = (): number => filesOpen(worker, "(deleted)");
    expect(openFiles()).toBe(1);
    slow.socket.destroy();
    await expect.poll(openFiles, { timeout: 15_000 }).toBe(0);
    expect(server.log.all("application error")).toEqual([]);
  });
});

describeWithPeers("workers of a Python application", [PYTHON_PEER], () => {
  test("leave new connections to one that has time", async () => {
    const server = await startWsgi("letter", { workers: 2 });
    const target = await server.target();
    const busy = await connectRaw(target);
    busy.get("/waits?600");
    await server.waitForRecord("wsgi.errors");
    // The one that is busy may take one until it has noticed.
    let answered = 0;
    const endsAt = performance.now() + 50_000;
    while (answered < 40 && performance.now() < endsAt)
      answered = (await isAnswered(`${await server.url()}/plain`)) ? answered + 1 : 0;
    expect(answered).toBe(40);
  });
});

describeWithPeers("a reload of a Python application", [PYTHON_PEER], () => {
  test("loses no request; one into code that fails changes nothing", { timeout: 240_000 }, async () => {
    const app = (version: string): string =>
      [
        "def application(environ, start_response):",
        `    start_response('200 OK', [('Content-Type', 'text/plain'), ('X-Version', '${version}')])`,
        `    return [b'${version}']`,
      ].join("\n");
    const project = await tempProject({ "mysite/__init__.py": "", "mysite/wsgi.py": app("one") });
    const args = ["--linger", "500ms", "--python-threads", "2"];
    const server = await startWsgi("mysite.wsgi", { cwd: project.dir, args, workers: 2 });
    const traffic = await startLightTraffic(await server.target(), 500);
    await project.write("mysite/wsgi.py", "raise RuntimeError('broken deployment')\n");
    server.signal("SIGHUP");
    const failed = await server.waitForRecord("reload failed", { timeoutMs: 60_000 });
    expect(JSON.stringify(failed)).toMatch(/broken deployment/);
    expect(JSON.stringify(failed)).toMatch(/wsgi\.py/);
    await project.write("mysite/wsgi.py", app("two"));
    for (const generation of [3, 4]) {
      server.signal("SIGHUP");
      await server.waitForRecord({ msg: "reload done", generation }, { timeoutMs: 90_000 });
    }
    assertNothingLost(await traffic.stop());
    expect(await ask(await server.target())).toBe("two");
  });
});

/** How many descriptors of `pid` lead to what ends so. */
function filesOpen(pid: number, end: string): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).endsWith(end);
    } catch {
      // Closed meanwhile.
      return false;
    }
  }).length;
}

/** On a connection of its own, before long. */
async function isAnswered(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { headers: { connection: "close" }, signal: AbortSignal.timeout(3000) });
    return reply.ok;
  } catch {
    return false;
  }
}
