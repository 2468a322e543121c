/** docs/examples/opentelemetry: one span for each request, of the worker that answered, whatever happens meanwhile. */

import { cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { commandOf, EXAMPLES } from "../support/examples.ts";
import { describeUnless, installPackages } from "../support/peers.ts";
import { requestOnce } from "../support/traffic.ts";
import type { RequestShape, Target } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

interface Span {
  readonly span: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: { readonly "process.pid": number; readonly "tsgate.slot": number };
}

/** What a request and its reply, or a span, say of the same thing. */
interface Seen {
  readonly name: string;
  readonly route: unknown;
  readonly status: unknown;
  readonly pid: number;
}

const SHAPES: readonly RequestShape[] = [
  { method: "GET", path: "/orders?page=2" },
  { method: "POST", path: "/orders", bodyBytes: 20_000 },
  { method: "GET", path: "/nowhere" },
];

const dir = await realpath(await mkdtemp(path.join(tmpdir(), "tsgate-opentelemetry-")));
await cp(path.join(EXAMPLES, "opentelemetry"), dir, {
  recursive: true,
  filter: (file) => path.basename(file) !== "node_modules",
});
const problem = await installPackages(dir);

afterAll(async () => rm(dir, { recursive: true, force: true }));

describeUnless(problem, "OpenTelemetry, imported into each worker,", () => {
  test("sees each request once, with its route, its status and the worker that answered", async () => {
    const server = await start();
    const target = await server.target();
    const seen: Seen[] = [];
    while (seen.length < 12 || new Set(seen.map(({ pid }) => pid)).size < 2)
      seen.push(...(await Promise.all(SHAPES.map((shape) => ask(target, shape)))));
    expect(await server.stop()).toEqual({ code: 0, signal: null });

    const spans = spansOf(server);
    expect(spans.map(seenBy).toSorted(byText)).toEqual(seen.toSorted(byText));
    const slots = new Map(server.log.all("worker ready").map(({ pid, slot }) => [pid, slot]));
    for (const { resource } of spans) expect(resource["tsgate.slot"]).toBe(slots.get(resource["process.pid"]));
    expect(server.records.filter(({ level }) => level > 30)).toEqual([]);
  });

  test("goes on with the trace that a client has begun", async () => {
    const server = await start();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const parentSpanId = "b7ad6b7169203331";
    const headers = [["traceparent", `00-${traceId}-${parentSpanId}-01`]] as const;
    await ask(await server.target(), { path: "/orders", headers });
    await server.stop();
    expect(spansOf(server)).toEqual([expect.objectContaining({ span: "GET /orders", traceId, parentSpanId })]);
  });

  test("loses no span at a reload and at the end, and sees the new workers too", async () => {
    const server = await start();
    const target = await server.target();
    const before = server.workerPids();
    const seen: Seen[] = [];
    const over = new AbortController();
    const clients = Array.from({ length: 3 }, async () => {
      // Not as fast as it goes: the batch processor drops what does not fit into its queue.
      for (; !over.signal.aborted; await sleep(10)) seen.push(await ask(target, { path: "/orders" }));
    });
    server.signal("SIGHUP");
    await server.waitForRecord("reload done", { timeoutMs: 30_000 });
    over.abort();
    await Promise.all(clients);
    const last = await Promise.all(Array.from({ length: 10 }, () => ask(target, { path: "/orders" })));
    expect(await server.stop()).toEqual({ code: 0, signal: null });

    for (const { pid } of last) expect(before).not.toContain(pid);
    expect(new Set(seen.map(({ pid }) => before.includes(pid)))).toEqual(new Set([true, false]));
    expect(spansPerWorker(spansOf(server).map(seenBy))).toEqual(spansPerWorker([...seen, ...last]));
    expect(server.records.filter(({ level }) => level > 30)).toEqual([]);
  });
});

/** Runs the example's own command, with a free port. */
async function start(): Promise<Tsgate> {
  const { args } = commandOf("opentelemetry");
  const server = startTsgate([...args, "--linger", "100ms", "--bind", "127.0.0.1:0"], { cwd: dir });
  await server.waitForReady(2);
  return server;
}

/** What a request ought to be seen as. Throws unless it is answered. */
async function ask(target: Target, shape: RequestShape): Promise<Seen> {
  const { reply, outcome, detail } = await requestOnce(target, shape);
  if (reply === undefined) throw new Error(`${outcome} ${detail}`);
  const { worker: pid } = JSON.parse(reply.body.toString()) as { worker: number };
  const { method = "GET" } = shape;
  const route = reply.status === 404 ? undefined : "/orders";
  return { name: route === undefined ? method : `${method} ${route}`, route, status: reply.status, pid };
}

function spansOf(server: Tsgate): Span[] {
  const lines = server.stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Span);
}

function seenBy({ span, attributes, resource }: Span): Seen {
  return {
    name: span,
    route: attributes["http.route"],
    status: attributes["http.response.status_code"],
    pid: resource["process.pid"],
  };
}

function spansPerWorker(seen: readonly Seen[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { pid } of seen) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => a - b));
}

function byText(a: Seen, b: Seen): number {
  return JSON.stringify(a).localeCompare(JSON.stringify(b));
}
