/** Limits of a container, on real cgroups: how many workers there are, what heap each gets, and what is said when memory runs out. */

import { cpus } from "node:os";
import { describe, expect, test } from "vitest";
import { cgroupProblem, cgroupWrapper } from "../support/cgroup.ts";
import type { CgroupLimits } from "../support/cgroup.ts";
import { describeUnless } from "../support/peers.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const MB = 1024 ** 2;

/**
 * `/` answers with its arguments for Node, `/buffers?N` keeps N MB outside the heap, `/fill` fills the heap at once,
 * `/nearly` so far that a heartbeat says so, and completely when one has: `health()` is asked right behind it.
 */
const APP = `const kept = [];
let isFilling = false;
const heapMb = () => process.memoryUsage().heapUsed / 1024 ** 2;
// In small pieces: an array that grows is there twice for a moment.
const keep = (pieces) => {
  for (let n = 0; n < pieces; n++) kept.push(Array.from({ length: 100 }, (_, index) => ({ text: "x" + index })));
};
export const health = () => {
  if (isFilling && heapMb() > 97) setTimeout(keep, 100, Infinity);
  return true;
};
export default (request, response) => {
  const [path, argument] = request.url.split("?");
  response.setHeader("x-worker-pid", process.pid);
  if (path === "/buffers") for (let mb = 0; mb < argument; mb++) kept.push(Buffer.alloc(1024 ** 2, 1));
  // Again and again: part of what is there at first is not kept. Of a heap that is four fifths full V8 may despair.
  if (path === "/nearly") isFilling = setInterval(() => { while (heapMb() < 99) keep(10); }, 20);
  if (path === "/fill") keep(Infinity);
  if (path === "/abort") process.abort();
  response.end(JSON.stringify({ args: process.execArgv, options: process.env.NODE_OPTIONS }));
};
`;

describeUnless(cgroupProblem, "in a container with limits", () => {
  test.skipIf(cpus().length < 2).each<[CgroupLimits, number, string]>([
    [{ cpuQuota: 1, memoryBytes: 4096 * MB }, 1, "CPU quota of 1"],
    [{ cpuQuota: 0.5, memoryBytes: 4096 * MB }, 1, "CPU quota of 0.5"],
    [{ memoryBytes: 400 * MB }, 1, "memory limit of 400 MB"],
  ])("of %j there are %d workers, where the machine has CPUs for more", async (limits, workers, workersReason) => {
    const server = await start([], { limits });
    expect(await server.waitForRecord("server starting")).toMatchObject({ workers, workersReason });
    await server.waitForReady(workers);
  });

  test("on memory each worker gets its share as its heap limit, and the first is no later for it", async () => {
    const server = await start(["--workers", "2"], { limits: { memoryBytes: 1024 * MB } });
    expect(await server.waitForRecord("server starting")).toMatchObject({
      heapLimitMb: 346,
      heapLimitReason: "75 % of (memory limit of 1 GB - 100 MB) / 2",
    });
    await server.waitForReady(2);
    expect(await heapArgsOf(server, 2)).toEqual([["--max-old-space-size=346"], ["--max-old-space-size=346"]]);
    // It is the one that was forked before the command line was read.
    expect(server.log.all("worker spawned")[0]).toMatchObject({ id: 1 });
    const from = server.log.length;
    server.signal("SIGTTIN");
    await server.waitForReady(3, { from });
    expect(await heapArgsOf(server, 3)).toEqual([
      ["--max-old-space-size=231"],
      ["--max-old-space-size=346"],
      ["--max-old-space-size=346"],
    ]);
  });

  test.each([
    { given: "--node-arg", args: ["--node-arg=--max-old-space-size=200"], reason: "--node-arg" },
    { given: "--env", args: ["--env", "NODE_OPTIONS=--max-old-space-size=200"], reason: "$NODE_OPTIONS" },
    { given: "--env-file", args: ["--env-file", "variables"], reason: "$NODE_OPTIONS" },
    { given: "the environment", args: [], reason: "$NODE_OPTIONS", isInherited: true },
  ])("a heap limit of the user's own, given with $given, stays", async ({ args, reason, isInherited }) => {
    const env = isInherited === true ? { NODE_OPTIONS: "--max-old-space-size=200" } : {};
    const server = await start(["--workers", "1", ...args], { limits: { memoryBytes: 1024 * MB }, env });
    const starting = await server.waitForRecord("server starting");
    expect([starting["heapLimitMb"], starting["heapLimitReason"]]).toEqual([undefined, reason]);
    await server.waitForReady(1);
    const [heapArgs] = await heapArgsOf(server, 1);
    expect(heapArgs).toEqual(["--max-old-space-size=200"]);
  });

  test("too little for a heap limit is said, and the workers boot", async () => {
    const server = await start(["--workers", "2"], { limits: { memoryBytes: 180 * MB } });
    expect(await server.waitForRecord("memory limit is too small")).toMatchObject({ level: 40, workers: 2 });
    await server.waitForReady(1);
  });

  test("a worker that the kernel kills because memory has run out is reported in these words, and replaced", async () => {
    const server = await start(["--workers", "2"], { limits: { memoryBytes: 400 * MB } });
    await server.waitForReady(2);
    const exchange = await requestOnce(await server.target(), { path: "/buffers?600" });
    expect(exchange.outcome).not.toBe("ok");
    const gone = await server.waitForRecord("worker gone");
    expect(gone).toMatchObject({
      level: 50,
      cause: "out of memory: killed by the kernel",
      signal: "SIGKILL",
      hint: expect.stringContaining("--max-memory"),
    });
    await respawnOf(server, gone);
    // One that somebody else kills is not.
    const [pid = 0] = server.workerPids();
    process.kill(pid, "SIGKILL");
    expect(await server.waitForRecord({ msg: "worker gone", pid })).toMatchObject({ cause: "killed from outside" });
  });

  test("a first worker that the kernel kills while it loads ends the start in these words", async () => {
    const source = "const kept = [];\nfor (;;) kept.push(Buffer.alloc(1024 ** 2, 1));\n";
    const server = await start(["--workers", "1"], { limits: { memoryBytes: 300 * MB }, source });
    expect(await server.exited).toEqual({ code: 4, signal: null });
    expect(server.log.otherLines).toEqual([
      "tsgate: application app.mjs was killed by the kernel, because memory ran out, while it was loading",
    ]);
  });
});

describe("a worker whose heap is full", () => {
  const ARGS = ["--workers", "1", "--node-arg=--max-old-space-size=128"];

  test("is reported in these words where its last heartbeat tells", async () => {
    const server = await start([...ARGS, "--timeout", "20s"]);
    await server.waitForReady(1);
    await requestOnce(await server.target(), { path: "/nearly" });
    const gone = await server.waitForRecord("worker gone", { timeoutMs: 80_000 });
    expect(gone).toMatchObject({ level: 50, cause: "out of memory: heap limit", heapLimitBytes: 128 * MB });
    expect(Number(gone["heapUsedBytes"])).toBeGreaterThan(96 * MB);
    expect(server.stderr).toContain("JavaScript heap out of memory");
    await respawnOf(server, gone);
  });

  test("at once, before it could tell, is said to have aborted, and where the reason is", async () => {
    const server = await start([...ARGS, "--timeout", "0"]);
    await server.waitForReady(1);
    await requestOnce(await server.target(), { path: "/fill" });
    const gone = await server.waitForRecord("worker gone", { timeoutMs: 40_000 });
    expect(gone).toMatchObject({
      cause: "crashed",
      signal: "SIGABRT",
      hint: expect.stringContaining("standard error"),
    });
    expect(server.stderr).toContain("JavaScript heap out of memory");
  });
});

interface Options {
  readonly limits?: CgroupLimits;
  readonly env?: Readonly<Record<string, string>>;
  readonly source?: string;
}

async function start(args: readonly string[], { limits, env = {}, source = APP }: Options = {}): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": source, variables: "NODE_OPTIONS=--max-old-space-size=200\n" });
  const wrapper = limits === undefined ? {} : { wrapper: cgroupWrapper(limits) };
  const own = ["--bind", "127.0.0.1:0", "--linger", "100ms"];
  return startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir, env, ...wrapper });
}

/** The heap options of each worker, as its own process knows them, in order. */
async function heapArgsOf(server: Tsgate, workers: number): Promise<string[][]> {
  const target = await server.target();
  const byPid = new Map<string, string[]>();
  while (byPid.size < workers) {
    const replies = await Promise.all(Array.from({ length: 8 }, () => requestOnce(target)));
    for (const { reply } of replies) {
      const { args, options = "" } = JSON.parse(String(reply?.body)) as { args: string[]; options?: string };
      const given = [...args, ...options.split(" ")].filter((arg) => arg.startsWith("--max-old-space-size"));
      byPid.set(reply?.headers.get("x-worker-pid") ?? "", given);
    }
  }
  return [...byPid.values()].toSorted((one, other) => String(one).localeCompare(String(other)));
}

async function respawnOf(server: Tsgate, { slot }: LogRecord): Promise<void> {
  await server.waitForRecord({ msg: "worker ready", slot }, { nth: 2 });
}
