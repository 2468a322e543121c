/** The log: what each record carries, how few there are, and how people see them. */

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { LogRecords } from "../support/log-records.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const APP = {
  "app.mjs": `
export default (request, response) => {
  if (request.url === "/throws") throw new Error("no such page");
  response.end("served");
};
`,
};
const COUNTS = ["booting", "ready", "draining", "gone"] as const;

test("a start, a reload, a crash and a stop are a few records each, which say who, where and how many", async () => {
  const server = await start(["--workers", "3", "--surge", "3"]);
  await server.waitForReady(3);
  const target = await server.target();
  const started = server.log.length;
  expect(messagesOf(server.records)).toEqual({
    "server starting": 1,
    "worker spawned": 3,
    "application found": 1,
    listening: 1,
    "worker ready": 3,
  });

  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  const reloaded = server.log.length;
  expect(messagesOf(server.records.slice(started))).toEqual({
    "reload started": 1,
    "worker spawned": 3,
    "application found": 1,
    "worker ready": 3,
    "worker draining": 3,
    "worker gone": 3,
    "reload done": 1,
  });

  expect((await requestOnce(target, { path: "/throws" })).reply?.status).toBe(500);
  await server.waitForRecord("application error");
  const [victim] = server.workerPids();
  const crashed = server.log.length;
  process.kill(victim ?? 0, "SIGKILL");
  await server.waitForRecord("worker ready", { from: crashed });
  expect(messagesOf(server.records.slice(crashed))).toEqual({
    "worker gone": 1,
    "worker spawned": 1,
    "worker ready": 1,
  });

  const last = server.log.length;
  expect((await server.stop()).code).toBe(0);
  expect(messagesOf(server.records.slice(last))).toEqual({
    "server stopping": 1,
    "worker draining": 3,
    "worker gone": 3,
    "server stopped": 1,
  });
  expect(reloaded - started).toBe(15);
  for (const record of server.records) expectIdentity(record, server.pid);
  expectCountsToAddUp(server.records);
});

test("people read the same records as lines, and an error's stack below its line", async () => {
  const server = await start(["--workers", "2", "--log-format", "pretty"]);
  await server.waitForOutput(/worker ready .*\(2 ready\)/);
  const port = Number(/listening .*127\.0\.0\.1:(\d+)/.exec(server.stderr)?.[1]);
  await requestOnce({ host: "127.0.0.1", port }, { path: "/throws" });
  await server.waitForOutput(/no such page[^]*app\.mjs:3/);
  expect((await server.stop()).code).toBe(0);
  const lines = server.stderr.trimEnd().split("\n");
  const time = String.raw`\[\d\d:\d\d:\d\d\.\d{3}\]`;
  expect(lines[0]).toMatch(new RegExp(`^${time} INFO: server starting .*app=app\\.mjs .*workers=2`));
  expect(lines.at(-1)).toMatch(new RegExp(`^${time} INFO: server stopped .*exitCode=0`));
  expect(lines.some((line) => /INFO: worker ready +slot 1 gen 1 pid \d+ .*bootMs=\d+ +\(2 ready\)$/.test(line))).toBe(
    true,
  );
  const failed = lines.findIndex((line) => line.includes("ERROR: application error"));
  expect(lines[failed]).toMatch(/\[slot \d gen 1 pid \d+\] .*path=\/throws.* error="no such page"$/);
  expect(lines[failed + 1]).toBe("    Error: no such page");
  expect(lines[failed + 2]).toMatch(/^ {8}at .*app\.mjs:3:/);
  expect(server.stderr).not.toMatch(/[{}]|\u001b/);
});

test("with --log-file the records are in the file, after those of the run before, and nowhere else", async () => {
  const project = await tempProject(APP);
  for (const run of [1, 2]) {
    const server = startTsgate(["--workers", "1", "--bind", "unix:app.sock", "--log-file", "out.log", "app.mjs"], {
      cwd: project.dir,
    });
    await expect
      .poll(() => readFile(project.path("out.log"), "utf8"))
      .toMatch(new RegExp(`(?:"worker ready"[^]*){${run}}`));
    expect(await ask({ path: project.path("app.sock") })).toBe("served");
    expect((await server.stop()).code).toBe(0);
    expect({ stdout: server.stdout, stderr: server.stderr }).toEqual({ stdout: "", stderr: "" });
  }
  const log = new LogRecords();
  log.push(await readFile(project.path("out.log"), "utf8"));
  expect(log.otherLines).toEqual([]);
  expect(log.all("server starting")).toHaveLength(2);
  expect(log.records.at(-1)?.msg).toBe("server stopped");
});

test("--log-level leaves out what is below it", async () => {
  const project = await tempProject(APP);
  const args = ["--workers", "1", "--bind", "unix:app.sock", "--log-level", "error", "app.mjs"];
  const server = startTsgate(args, { cwd: project.dir });
  const target = { path: project.path("app.sock") };
  await expect.poll(async () => (await requestOnce(target)).outcome).toBe("ok");
  await requestOnce(target, { path: "/throws" });
  await server.waitForRecord("application error");
  expect((await server.stop()).code).toBe(0);
  expect(server.records.map(({ msg }) => msg)).toEqual(["application error"]);
  expect(server.log.otherLines).toEqual([]);
});

async function start(flags: readonly string[]): Promise<Tsgate> {
  const project = await tempProject(APP);
  return startTsgate(["--bind", "127.0.0.1:0", "--linger", "50ms", ...flags, "app.mjs"], { cwd: project.dir });
}

/** How many records there are with each message. */
function messagesOf(records: readonly LogRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { msg } of records) counts[msg] = (counts[msg] ?? 0) + 1;
  return counts;
}

function expectIdentity(record: LogRecord, masterPid: number): void {
  expect(record).toMatchObject({ role: record.msg === "application error" ? "worker" : "master" });
  const isOfWorker = record.msg.startsWith("worker ") || record.msg.startsWith("application ");
  if (!isOfWorker) return expect(record).toMatchObject({ pid: masterPid });
  for (const field of ["slot", "generation", "pid", "id"])
    expect(record[field], `${field} in ${record.msg}`).toBeTypeOf("number");
  expect(record.pid).not.toBe(masterPid);
}

/** Each change of the pool tells the counts after it: they must follow from those before. */
function expectCountsToAddUp(records: readonly LogRecord[]): void {
  const states = new Map<number, (typeof COUNTS)[number]>();
  const after = { spawned: "booting", ready: "ready", draining: "draining", gone: "gone" } as const;
  for (const record of records) {
    const change = /^worker (spawned|ready|draining|gone)$/.exec(record.msg)?.[1] as keyof typeof after | undefined;
    if (change !== undefined) states.set(Number(record["id"]), after[change]);
    if (change === undefined && !/^(reload|server stopping)/.test(record.msg)) continue;
    const expected = COUNTS.map((name) => [name, [...states.values()].filter((state) => state === name).length]);
    expect(Object.fromEntries(COUNTS.map((name) => [name, record[name]])), record.msg).toEqual(
      Object.fromEntries(expected),
    );
  }
}
