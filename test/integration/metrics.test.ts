/** What the shipped binary counts, and that it stays counted when workers come and go. */

import { describe, expect, test } from "vitest";
import { METRICS } from "../../src/observe/server-metrics.ts";
import { ADMIN, adminTarget, metricsOf, reply, statusOf, untilMetrics, untilStatus } from "../support/admin.ts";
import { application } from "../support/applications.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const OK = 'tsgate_requests_total{mount="/",status="2xx"}';
const FAILED = 'tsgate_requests_total{mount="/",status="5xx"}';
const COUNT = 'tsgate_request_duration_seconds_count{mount="/"}';

async function start(
  args: readonly string[] = [],
  { workers = 2, source = application("node", "one") } = {},
): Promise<{ server: Tsgate; project: TempProject; target: Target }> {
  const project = await tempProject({ "app.mjs": source });
  const own = ["--workers", String(workers), "--bind", "127.0.0.1:0", "--linger", "200ms", ...ADMIN];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(workers);
  return { server, project, target: await server.target() };
}

async function askTimes(target: Target, times: number): Promise<void> {
  const replies = await Promise.all(Array.from({ length: times }, () => requestOnce(target)));
  expect(replies.map(({ outcome }) => outcome)).toEqual(replies.map(() => "ok"));
}

describe("requests", () => {
  test("are counted by their status, with their bytes and their time", async () => {
    const source = `export default (request, response) => {
      response.statusCode = Number(request.url.slice(1)) || 200;
      request.resume().on("end", () => setTimeout(() => response.end("x".repeat(1000)), 30));
    };`;
    const { server, target } = await start([], { source });
    for (const path of ["/", "/", "/204", "/302", "/404", "/500", "/503"]) await requestOnce(target, { path });
    await requestOnce(target, { method: "POST", bodyBytes: 50_000 });
    const { series } = await untilMetrics(server, (value) => value(COUNT) === 8);
    const value = (name: string): number | undefined => series.get(name);
    const status = (name: string): string => `tsgate_requests_total{mount="/",status="${name}"}`;
    expect(["2xx", "3xx", "4xx", "5xx", "none"].map((name) => value(status(name)))).toEqual([4, 1, 1, 2, 0]);
    expect(value('tsgate_request_duration_seconds_bucket{le="0.025",mount="/"}')).toBe(0);
    expect(value('tsgate_request_duration_seconds_sum{mount="/"}')).toBeGreaterThan(8 * 0.029);
    expect(value("tsgate_received_bytes_total")).toBeGreaterThan(50_000);
    expect(value("tsgate_sent_bytes_total")).toBeGreaterThan(7000);
    expect(value("tsgate_connections_accepted_total")).toBe(8);
    const { totals } = await statusOf(server);
    expect(totals).toMatchObject({ requests: 8, errors: 2, connectionsAccepted: 8 });
    const { recent } = await untilStatus(server, (status) => status.recent.requestsPerSecond > 0);
    expect(recent.p50Ms).toBeGreaterThan(25);
    expect(recent.seconds.requests).toHaveLength(60);
  });

  test("in progress and connections are told while they are", async () => {
    const { server, target } = await start([], { workers: 1 });
    const [held, idle] = [await connectRaw(target), await connectRaw(target)];
    held.get("/hold");
    await untilMetrics(
      server,
      (value) => value("tsgate_requests_in_flight") === 1 && value("tsgate_connections") === 2,
    );
    idle.get("/release");
    await held.received(/one$/);
    await untilMetrics(server, (value) => value("tsgate_requests_in_flight") === 0 && value(OK) === 2);
    held.socket.destroy();
    await untilMetrics(server, (value) => value("tsgate_connections") === 1);
  });

  test("that Node refuses are counted by their reason, and nowhere else", async () => {
    const { server, target } = await start();
    for (const text of ["nonsense\r\n\r\n", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(70_000)}\r\n\r\n`]) {
      const client = await connectRaw(target);
      client.send(text);
      await client.ended();
    }
    const rejected = (reason: string): string => `tsgate_requests_rejected_total{reason="${reason}"}`;
    const { series } = await untilMetrics(
      server,
      (value) => value(rejected("malformed")) === 1 && value(rejected("head too large")) === 1,
    );
    expect(series.get(COUNT)).toBe(0);
  });

  test("of every kind of application are counted alike", async () => {
    for (const kind of ["gateway", "fetch", "server", "express"] as const) {
      const { server, target, project } = await start([], { workers: 1, source: application(kind, "one") });
      await project.linkPackages("express");
      await askTimes(target, 5);
      await untilMetrics(server, (value) => value(OK) === 5 && value("tsgate_requests_in_flight") === 0);
      expect((await server.stop()).code).toBe(0);
    }
  });
});

describe("what workers counted stays counted", () => {
  test("through a reload, to the last request", async () => {
    const { server, target } = await start();
    await askTimes(target, 20);
    server.signal("SIGHUP");
    // Also what comes while workers change, whoever answers it.
    while (server.log.all("reload done").length === 0) await askTimes(target, 1);
    const { series } = await untilMetrics(server, (value) => value("tsgate_generation") === 2);
    const before = series.get(OK) ?? 0;
    expect(before).toBeGreaterThan(20);
    await askTimes(target, 10);
    await untilMetrics(server, (value) => (value(OK) ?? 0) >= before + 10);
    expect(series.get('tsgate_reloads_total{outcome="done"}')).toBe(1);
    expect(series.get('tsgate_worker_exits_total{cause="reload"}')).toBe(2);
    expect(series.get("tsgate_worker_boots_total")).toBe(4);
  });

  test("when a worker is killed, but for what it did since its last report", async () => {
    const { server, target } = await start();
    await askTimes(target, 30);
    const before = await untilMetrics(server, (value) => value(OK) === 30);
    const cpu = (one: typeof before, slot: number): number =>
      one.series.get(`tsgate_process_cpu_seconds_total{role="worker",slot="${slot}"}`) ?? 0;
    for (const pid of server.workerPids()) process.kill(pid, "SIGKILL");
    await server.waitForRecord("worker gone", { nth: 2 });
    await server.waitForReady(2, { from: server.log.length - 1 });
    const after = await untilMetrics(
      server,
      (value) =>
        value('tsgate_worker_exits_total{cause="killed from outside"}') === 2 &&
        value('tsgate_workers{state="ready"}') === 2,
    );
    expect(after.series.get(OK)).toBe(30);
    for (const slot of [0, 1]) expect(cpu(after, slot)).toBeGreaterThanOrEqual(cpu(before, slot));
    await askTimes(target, 5);
    await untilMetrics(server, (value) => value(OK) === 35);
  });

  test("when it ends its own process, to the last request", async () => {
    const { server, target } = await start([], { workers: 1 });
    await untilStatus(server, ({ workers }) => workers[0]?.requests === 0);
    // Within the second of one report.
    await askTimes(target, 7);
    await requestOnce(target, { path: "/exit" });
    await untilMetrics(server, (value) => value('tsgate_worker_exits_total{cause="crashed"}') === 1 && value(OK) === 7);
  });
});

describe("the life of workers", () => {
  test("is counted and told: crashes, errors with their stack, hangs, scaling", async () => {
    const { server, target } = await start(["--timeout", "2s"]);
    await requestOnce(target, { path: "/exit" });
    await server.waitForRecord("worker ready", { nth: 3 });
    void requestOnce(target, { path: "/throw?10" });
    await server.waitForRecord("worker ready", { nth: 4 });
    // The last exit of its slot is not to be this one.
    await server.waitForRecord({ msg: "worker gone", cause: "uncaught exception" });
    void requestOnce(target, { path: "/hang" });
    await server.waitForRecord({ msg: "worker gone", cause: "hung" });
    server.signal("SIGTTIN");
    await server.waitForRecord("workers changed");
    const { series } = await untilMetrics(
      server,
      (value) => value('tsgate_worker_exits_total{cause="uncaught exception"}') === 1,
    );
    expect(series.get('tsgate_worker_exits_total{cause="crashed"}')).toBe(1);
    expect(series.get('tsgate_worker_exits_total{cause="hung"}')).toBe(1);
    expect(series.get("tsgate_worker_hangs_total")).toBe(1);
    expect(series.get("tsgate_workers_wanted")).toBe(3);
    const { events, workers } = await statusOf(server);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["started", "crashed", "uncaught exception", "hung", "scaled"]),
    );
    expect(events.find(({ type }) => type === "crashed")).toMatchObject({ why: "crashed", code: 7, times: 1 });
    const thrown = events.find(({ type }) => type === "uncaught exception");
    expect(thrown).toMatchObject({ error: "thrown on purpose" });
    expect(thrown?.stack).toMatch(/thrownByTheApplication.*node-app\.mjs:\d+:\d+/);
    const exits = workers.map(({ lastExit }) => lastExit?.cause);
    expect(exits).toContain("hung");
  });

  test("tells of a slot that waits, and is degraded", async () => {
    const { server } = await start([], { workers: 2 });
    const [victim] = server.log.all({ msg: "worker ready", slot: 1 });
    let pid = Number(victim?.pid);
    for (let death = 1; death <= 3; death++) {
      process.kill(pid, "SIGKILL");
      await server.waitForRecord({ msg: "worker gone", pid });
      if (death < 3)
        pid = Number((await server.waitForRecord({ msg: "worker ready", slot: 1 }, { nth: death + 1 })).pid);
    }
    const { workers, server: state } = await untilStatus(server, (status) => status.server.state === "degraded");
    expect(state.degradedSlots).toEqual([1]);
    const waiting = workers.find(({ slot }) => slot === 1);
    expect(waiting).toMatchObject({ lastExit: { cause: "killed from outside", signal: "SIGKILL", pid } });
    if (waiting?.state === "waiting") expect(waiting).toMatchObject({ pid: null, retryInMs: expect.any(Number) });
    expect((await metricsOf(server)).series.get("tsgate_degraded_slots")).toBe(1);
  });

  test("tells of reloads: one that goes well, one that fails and why", async () => {
    const { server, project } = await start();
    server.signal("SIGHUP");
    await server.waitForRecord("reload started");
    expect((await statusOf(server)).reload).toMatchObject({ state: "running", generation: 2, stage: "canary" });
    await server.waitForRecord("reload done");
    expect((await statusOf(server)).reload).toMatchObject({ state: "idle", last: { outcome: "done", generation: 2 } });
    await project.write("app.mjs", 'throw new Error("broken on purpose");\n');
    server.signal("SIGHUP");
    await server.waitForRecord("reload failed");
    const { series } = await metricsOf(server);
    expect(series.get('tsgate_reloads_total{outcome="failed"}')).toBe(1);
    expect(series.get("tsgate_last_reload_successful")).toBe(0);
    expect(series.get("tsgate_generation")).toBe(2);
    const { reload, events } = await statusOf(server);
    expect(reload).toMatchObject({ state: "idle", last: { outcome: "failed", generation: 3 } });
    expect(reload.last?.error).toContain("broken on purpose");
    expect(reload.last?.stack).toMatch(/app\.mjs:1:7/);
    expect(events.map(({ type }) => type)).toEqual([
      "started",
      "reload started",
      "reload done",
      "reload started",
      "reload failed",
    ]);
  });
});

describe("the metrics", () => {
  test("are those of the table, and the name is on each when the server has one", async () => {
    const { server } = await start(["--name", "shop"]);
    const { types, series } = await untilMetrics(server, (value) =>
      [0, 1].every(
        (slot) => value(`tsgate_process_cpu_seconds_total{name="shop",role="worker",slot="${slot}"}`) !== undefined,
      ),
    );
    const linuxOnly = new Set(["tsgate_accept_queue_length", "tsgate_process_open_fds", "tsgate_process_max_fds"]);
    const expected = Object.keys(METRICS).filter((name) => process.platform === "linux" || !linuxOnly.has(name));
    expect([...types.keys()]).toEqual(expected);
    for (const one of series.keys()) expect(one).toContain('name="shop"');
    expect((await statusOf(server)).server.name).toBe("shop");
  });

  test("are not spoiled by an application that speaks in our name", async () => {
    const lies = ['{ tsgate: "stats", stats: {} }', '{ tsgate: "stats", stats: null }', '{ tsgate: "stats" }'];
    const more = ['{ tsgate: "application-metrics", request: 0, metrics: [{ name: "a b" }] }'];
    const source = `${[...lies, ...more].map((lie) => `process.send(${lie});`).join("\n")}\n${application("node", "one")}`;
    const { server, target } = await start([], { workers: 1, source });
    await askTimes(target, 3);
    const { types } = await untilMetrics(server, (value) => value(OK) === 3 && value(FAILED) === 0);
    expect([...types.keys()].filter((name) => !name.startsWith("tsgate_"))).toEqual([]);
  });

  test("are the same for several who ask at once", async () => {
    const { server } = await start();
    const admin = await adminTarget(server);
    const replies = await Promise.all(Array.from({ length: 10 }, () => reply(admin, "/metrics")));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    // Whoever comes a moment later, on a machine that has much else to do, may get newer ones.
    expect(new Set(replies.map(({ body }) => body)).size).toBeLessThan(replies.length / 2);
  });
});
