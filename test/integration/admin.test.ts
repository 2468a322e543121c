/** The operator's endpoints on the shipped binary: who gets what, and when. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { ADMIN, adminTarget, metricsOf, reply, statusOf, untilStatus } from "../support/admin.ts";
import { application } from "../support/applications.ts";
import { ask } from "../support/ask.ts";
import { freePort } from "../support/free-port.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const BIND = ["--bind", "127.0.0.1:0"];
const HANGING_APP = new URL("../fixtures/hanging-app.mjs", import.meta.url);
const TOKEN = "a-token-for-the-tests";
const isLinux = process.platform === "linux";

interface Started {
  readonly server: Tsgate;
  readonly project: TempProject;
}

async function start(
  args: readonly string[] = [],
  { workers = 1, source = application("node", "one") } = {},
): Promise<Started> {
  const project = await tempProject({ "app.mjs": source, "admin.token": `${TOKEN}\n` });
  const own = args.includes("--admin-bind") ? [] : ADMIN;
  const server = startTsgate(["--workers", String(workers), ...BIND, ...own, ...args, "app.mjs"], { cwd: project.dir });
  return { server, project };
}

async function ready(args: readonly string[] = [], options: Parameters<typeof start>[1] = {}): Promise<Started> {
  const started = await start(args, options);
  await started.server.waitForReady(options?.workers ?? 1);
  return started;
}

/** The status of the reply to a request with these lines, the Host among them. */
async function statusOfRequest(target: Target, path: string, ...lines: string[]): Promise<number | undefined> {
  const client = await connectRaw(target);
  client.send([`GET ${path} HTTP/1.1`, ...lines, "Connection: close", "", ""].join("\r\n"));
  await client.ended();
  return client.statuses[0];
}

describe("the endpoints", () => {
  test("answer on every address that is given, TCP and unix, and nothing is left of them", async () => {
    const { server, project } = await ready([...ADMIN, "--admin-bind", "unix:admin.sock"]);
    const targets = [await adminTarget(server, 0), await adminTarget(server, 1)];
    expect(targets[1]).toEqual({ path: project.path("admin.sock") });
    for (const target of targets) {
      for (const path of ["/", "/livez", "/readyz", "/metrics", "/status.json"])
        expect((await reply(target, path)).status, path).toBe(200);
    }
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(existsSync(project.path("admin.sock"))).toBe(false);
    for (const target of targets) expect(["refused"]).toContain((await requestOnce(target)).outcome);
  });

  test("say what they say as what it is, never to be kept", async () => {
    const { server } = await ready();
    const target = await adminTarget(server);
    const types = { "/livez": "text/plain", "/readyz": "text/plain", "/metrics": "text/plain; version=0.0.4" };
    for (const [path, type] of Object.entries({
      ...types,
      "/status.json": "application/json",
      "/": "text/html; charset=utf-8",
    })) {
      const { headers } = await reply(target, path);
      expect(headers.get("content-type")?.startsWith(type), path).toBe(true);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.has("access-control-allow-origin")).toBe(false);
    }
  });

  test("answer GET and HEAD, refuse other methods and unknown paths, and say nothing of a query string", async () => {
    const { server } = await ready();
    const target = await adminTarget(server);
    const head = await reply(target, "/livez", { method: "HEAD" });
    expect([head.status, head.body, head.headers.get("content-length")]).toEqual([200, "", "3"]);
    const posted = await reply(target, "/readyz", { method: "POST", bodyBytes: 100 });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    for (const path of ["//", "/nowhere", "/livez/", "/constructor"])
      expect((await reply(target, path)).status).toBe(404);
    expect((await reply(target, "/livez?secret=1")).status).toBe(200);
    for (const path of ["/?secret=1", "/status.json?secret=1", "/nowhere?secret=1", "/metrics?secret=1"])
      expect((await reply(target, path)).body).not.toContain("secret");
    expect(server.stderr).not.toContain("secret");
  });

  test("are off when nobody asks for them", async () => {
    const project = await tempProject({ "app.mjs": application("node", "one") });
    const server = startTsgate(["--workers", "1", ...BIND, "app.mjs"], { cwd: project.dir });
    await server.waitForReady(1);
    expect(server.log.all("admin listening")).toEqual([]);
    if (isLinux) expect(listenersOf(server.pid)).toEqual(listenersOf(server.workerPids()[0] ?? 0));
  });
});

describe("an address of the endpoints that cannot be bound", () => {
  test("ends the start with one sentence before anything has begun", async () => {
    const { server, project } = await ready();
    const target = await adminTarget(server);
    const address = "port" in target ? `127.0.0.1:${target.port}` : "";
    const args = ["--bind", "unix:other.sock", "--admin-bind", address, "--pid", "other.pid", "app.mjs"];
    const second = await runTsgate(args, { cwd: project.dir });
    expect(second.code).toBe(5);
    expect(second.stderr).toBe(`tsgate: cannot listen on ${address}: the address is already in use\n`);
    for (const name of ["other.sock", "other.pid"]) expect(existsSync(project.path(name))).toBe(false);
    expect((await reply(target, "/readyz")).status).toBe(200);
  });

  test("is one that the application asks for too", async () => {
    const project = await tempProject({ "app.mjs": application("node", "one") });
    const address = `127.0.0.1:${await freePort()}`;
    const { code, stderr } = await runTsgate(["--bind", address, "--admin-bind", address, "app.mjs"], {
      cwd: project.dir,
    });
    expect(code).toBe(2);
    expect(stderr).toBe(
      `tsgate: --admin-bind: ${address} is an address of the application too (--bind); give it one of its own\n`,
    );
  });
});

describe("the status", () => {
  test("is for this machine: not for a proxy on it, nor under another name", async () => {
    const { server } = await ready();
    const target = await adminTarget(server);
    for (const path of ["/", "/status.json"]) {
      const asked = async (...lines: string[]): Promise<number | undefined> => statusOfRequest(target, path, ...lines);
      expect(await asked("Host: 127.0.0.1")).toBe(200);
      expect(await asked("Host: localhost:9000")).toBe(200);
      expect(await asked("Host: rebound.example")).toBe(403);
      expect(await asked("Host: localhost", "X-Forwarded-For: 192.0.2.1")).toBe(403);
      expect(await asked("Host: localhost", `Authorization: Bearer ${TOKEN}`, "Via: 1.1 proxy")).toBe(403);
    }
    expect(await statusOfRequest(target, "/metrics", "Host: rebound.example")).toBe(200);
  });

  test("is for others with the token, which is read again at a reload", async () => {
    const { server, project } = await ready(["--admin-token-file", "admin.token"]);
    const target = await adminTarget(server);
    const asked = async (token: string): Promise<number | undefined> =>
      statusOfRequest(target, "/status.json", "Host: shop.example", `Authorization: Bearer ${token}`);
    expect(await asked(TOKEN)).toBe(200);
    expect(await asked(`${TOKEN}x`)).toBe(401);
    const password = `Authorization: Basic ${Buffer.from(`ops:${TOKEN}`).toString("base64")}`;
    for (const path of ["/", "/status.json"])
      expect(await statusOfRequest(target, path, "Host: shop.example", password)).toBe(200);
    expect(await statusOfRequest(target, "/status.json", "Host: shop.example")).toBe(401);
    expect(await statusOfRequest(target, "/status.json", "Host: localhost")).toBe(200);
    await project.write("admin.token", "another-token-for-the-tests\n");
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    expect([await asked("another-token-for-the-tests"), await asked(TOKEN)]).toEqual([200, 401]);
    await project.write("admin.token", "");
    server.signal("SIGHUP");
    expect((await server.waitForRecord("reload failed")).error).toContain("admin.token is empty");
    expect(await asked("another-token-for-the-tests")).toBe(200);
    expect(server.stderr).not.toMatch(/for-the-tests/);
  });
});

describe("readiness", () => {
  test("comes with the workers that are asked for, while the master lives from the beginning", async () => {
    const source = `import { existsSync } from "node:fs";
const slot = Number(process.title.match(/worker (\\d+)/)?.[1]);
while (!existsSync(\`go\${slot}\`)) await new Promise((resolve) => setTimeout(resolve, 10));
${application("node", "one")}`;
    const { server, project } = await start(["--min-ready", "2"], { workers: 2, source });
    const target = await adminTarget(server);
    const readyz = async (): Promise<readonly [number, string]> => {
      const { status, body } = await reply(target, "/readyz");
      return [status, body];
    };
    expect((await reply(target, "/livez")).status).toBe(200);
    expect(await readyz()).toEqual([503, "not ready: 0 of 2 workers ready\n"]);
    expect(await statusOf(server)).toMatchObject({ server: { state: "starting", generation: 0, booting: 1 } });
    await project.write("go0", "");
    await server.waitForReady(1);
    expect(await readyz()).toEqual([503, "not ready: 1 of 2 workers ready\n"]);
    await project.write("go1", "");
    await server.waitForReady(2);
    expect(await readyz()).toEqual([200, "ready\n"]);
  });

  test("turns first at TERM, while requests are served as before; the endpoints close last", async () => {
    const { server } = await ready(["--shutdown-delay", "4s", "--graceful-timeout", "30s"]);
    const [target, admin] = [await server.target(), await adminTarget(server)];
    const [busy, other] = [await connectRaw(target), await connectRaw(target)];
    other.get("/");
    await other.received(/one$/);
    server.signal("SIGTERM");
    await server.waitForRecord("server stopping");
    // Whoever sees the log say so sees it here too, and nothing else has changed.
    expect(await reply(admin, "/readyz")).toMatchObject({ status: 503, body: "not ready: stopping\n" });
    expect(await ask(target)).toBe("one");
    expect(await statusOf(server)).toMatchObject({ server: { state: "draining", ready: 1 } });
    expect(server.log.all("worker draining")).toEqual([]);
    busy.get("/hold");
    await server.waitForRecord("worker draining");
    while ((await requestOnce(target)).outcome !== "refused");
    expect((await reply(admin, "/livez")).status).toBe(200);
    expect(await statusOf(server)).toMatchObject({ workers: [{ state: "draining", why: "stop" }] });
    other.get("/release");
    await busy.received(/one$/);
    expect((await server.exited).code).toBe(0);
    expect((await requestOnce(admin)).outcome).toBe("refused");
  });
});

describe("when every worker hangs", () => {
  test("everything is answered, the metrics too", async () => {
    const { server } = await ready(["--timeout", "30s"], { workers: 2 });
    const [target, admin] = [await server.target(), await adminTarget(server)];
    for (let hung = 1; hung <= 2; hung++) {
      const client = await connectRaw(target);
      client.get("/hang");
      while (server.stdout.split("hanging").length <= hung) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await reply(admin, "/livez")).status).toBe(200);
    expect((await statusOf(server)).workers).toHaveLength(2);
    for (let scrape = 0; scrape < 2; scrape++) {
      const askedAt = performance.now();
      expect((await reply(admin, "/metrics")).body).toContain("tsgate_workers{");
      // On a machine that does nothing else it is 0.7 s, then none; who waits for the workers waits for --timeout.
      expect(performance.now() - askedAt).toBeLessThan(15_000);
    }
  });
});

describe("a worker that sends no heartbeat", () => {
  test("is shown as silent and does not count as ready, and does again when it beats", async () => {
    const source = `import { existsSync } from "node:fs";
export default (request, response) => {
  while (request.url === "/block" && !existsSync("go"));
  response.end("one");
};`;
    const { server, project } = await ready(["--timeout", "60s"], { source });
    const admin = await adminTarget(server);
    const client = await connectRaw(await server.target());
    client.get("/block");
    const { server: seen, workers } = await untilStatus(server, ({ server: { silent } }) => silent === 1);
    expect(seen).toMatchObject({ state: "degraded", ready: 1, silent: 1 });
    expect(workers).toMatchObject([{ state: "ready" }]);
    expect(workers[0]?.silentMs).toBeGreaterThan(0);
    expect(await reply(admin, "/readyz")).toMatchObject({
      status: 503,
      body: "not ready: 0 of 1 workers ready, 1 silent\n",
    });
    expect((await metricsOf(server)).series.get("tsgate_workers_silent")).toBe(1);
    expect((await reply(admin, "/")).body).toContain("The worker in slot 0 is silent");
    await project.write("go", "");
    await client.received(/one$/);
    const again = await untilStatus(server, ({ server: { silent } }) => silent === 0);
    expect(again).toMatchObject({ server: { state: "serving" }, workers: [{ silentMs: null }] });
    expect((await reply(admin, "/readyz")).status).toBe(200);
    expect(server.log.all("worker gone")).toEqual([]);
  });

  test.runIf(isLinux)("has been silent only for a time in which the master could have heard it", async () => {
    const { server } = await ready(["--timeout", "60s"]);
    const admin = await adminTarget(server);
    server.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 4500));
    server.signal("SIGCONT");
    expect(await reply(admin, "/readyz")).toMatchObject({ status: 200 });
    expect(await statusOf(server)).toMatchObject({ server: { silent: 0 }, workers: [{ silentMs: null }] });
  });
});

test.runIf(isLinux)("where a worker hung is told: its stack and what it was at", async () => {
  const { server } = await ready(["--timeout", "1s"], { source: readFileSync(HANGING_APP, "utf8") });
  (await connectRaw(await server.target())).get("/loop");
  await server.waitForRecord("worker hung");
  const event = (await statusOf(server)).events.find(({ type }) => type === "hung");
  expect(event?.error).toMatch(/^in JavaScript, at Object\.spin/);
  expect(event?.stack).toMatch(/^ +at Object\.spin .*app\.mjs:\d+/);
  expect((await reply(await adminTarget(server), "/")).body).toContain("in JavaScript, at Object.spin");
});

describe("a client that means no good", () => {
  test("does not keep others out: the newest connection pushes out the oldest", async () => {
    const { server } = await ready();
    const admin = await adminTarget(server);
    const first = await connectRaw(admin);
    for (let index = 0; index < 40; index++) await connectRaw(admin);
    expect((await reply(admin, "/livez")).status).toBe(200);
    await first.ended();
  });

  test("gets a few seconds for its request, and none for a head that is too large", async () => {
    const { server } = await ready();
    const admin = await adminTarget(server);
    const [silent, slow, large] = [await connectRaw(admin), await connectRaw(admin), await connectRaw(admin)];
    slow.send("GET /livez HTTP/1.1\r\nHost: x\r\n");
    large.send(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(9000)}\r\n\r\n`);
    const drip = setInterval(() => slow.send("X: y\r\n"), 500);
    onTestFinished(() => clearInterval(drip));
    await large.ended();
    expect(large.statuses).toEqual([431]);
    await slow.ended();
    expect(slow.statuses).toEqual([408]);
    await silent.ended();
    expect((await reply(admin, "/livez")).status).toBe(200);
  });
});

test.runIf(isLinux)("workers do not get the endpoints' socket", async () => {
  const { server } = await ready([], { workers: 2 });
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  const [worker = 0, other = 0] = server.workerPids();
  const admin = await adminTarget(server);
  const own = listenersOf(server.pid);
  expect(own).toHaveLength(2);
  expect(listenersOf(worker)).toEqual(listenersOf(other));
  expect(listenersOf(worker)).toHaveLength(1);
  expect(own.filter((port) => !listenersOf(worker).includes(port))).toEqual(["port" in admin ? admin.port : 0]);
});

/** The ports of the listening TCP sockets that a process has open. */
function listenersOf(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined;
      }
    }),
  );
  const rows = readFileSync(`/proc/${pid}/net/tcp`, "utf8").split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => row[3] === "0A" && inodes.has(row[9]))
    .map((row) => Number.parseInt(row[1]?.split(":")[1] ?? "", 16));
}
