/** `tsgate ctl stack`: what a worker spends its time with, and what one is at that does not answer. */

import { readdirSync } from "node:fs";
import { readFileSync } from "node:fs";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { connectTo, startControlled } from "../support/ctl.ts";
import type { Controlled } from "../support/ctl.ts";
import { listeningPorts } from "../support/listening-ports.ts";
import { connectRaw } from "../support/raw-client.ts";
import { requestOnce } from "../support/traffic.ts";

const HANGING = fileURLToPath(new URL("../fixtures/hanging-app.mjs", import.meta.url));
const LOOP_LINE = lineIn(HANGING, "; // /loop");

const BUSY = fileURLToPath(new URL("../fixtures/busy-app.mjs", import.meta.url));

function lineIn(file: string, end: string): number {
  return (
    readFileSync(file, "utf8")
      .split("\n")
      .findIndex((line) => line.endsWith(end)) + 1
  );
}

const startWith = async (app: string, args: readonly string[] = [], workers = 1): Promise<Controlled> =>
  startControlled(args, { app, workers });

interface Call {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly total: number;
  readonly calls: readonly Call[];
}

function named(calls: readonly Call[], name: string): Call | undefined {
  return calls.map((call) => (call.name === name ? call : named(call.calls, name))).find((call) => call !== undefined);
}

async function profileOf({ ctl }: Controlled, slot = "0"): Promise<{ idle: number; calls: readonly Call[] }> {
  const { code, stdout, stderr } = await ctl("stack", slot, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return (JSON.parse(stdout) as { profile: { idle: number; calls: readonly Call[] } }).profile;
}

/** A profile in which the application has been at work: on a busy machine a second may hold but a few samples. */
async function tellingProfile(
  controlled: Controlled,
  hasRested = false,
): Promise<{ spin: Call; calls: readonly Call[] }> {
  for (;;) {
    const { idle, calls } = await profileOf(controlled);
    const spin = named(calls, "spin");
    if (spin !== undefined && (idle > 0 || !hasRested)) return { spin, calls };
  }
}

describe("a worker that answers", () => {
  test("tells the application's functions with their lines, and the rest as idle", async () => {
    const controlled = await startWith(BUSY);
    const { spin, calls } = await tellingProfile(controlled, true);
    expect(spin.file).toBe(BUSY);
    // Most samples are in its only line; when there are few, as many may be where it begins.
    expect([lineIn(BUSY, "// hot") - 1, lineIn(BUSY, "// hot")]).toContain(spin.line);
    expect(calls[0]).toMatchObject({ name: "tick", file: BUSY });
    let stdout = "";
    const look = async (): Promise<string> => (stdout = (await controlled.ctl("stack", "0")).stdout);
    await expect.poll(look).toMatch(/^ +\d+% +\d+% {2} {2}spin \(.*busy-app\.mjs:\d+\)$/m);
    expect(stdout).toMatch(/^slot 0, pid \d+, generation 1: \d\.\d\d s, \d+ samples\nidle \d+%, busy \d+%\n/);
    expect(stdout).toMatch(/^ +\d+% +\d+% {2}\(idle\)$/m);
  });

  test("opens no port for it, leaves no descriptor, and goes on serving", async () => {
    const controlled = await startWith(BUSY);
    const { server } = controlled;
    const [pid = 0] = server.workerPids();
    await profileOf(controlled);
    const before = [readdirSync(`/proc/${pid}/fd`).length, readdirSync(`/proc/${server.pid}/fd`).length];
    const ports = await listeningPorts(pid);
    const asked = profileOf(controlled);
    const during = Promise.all(Array.from({ length: 20 }, async () => requestOnce(await server.target())));
    expect((await during).every(({ outcome }) => outcome === "ok")).toBe(true);
    await asked;
    expect(await listeningPorts(pid)).toEqual(ports);
    const after = (): number[] => [pid, server.pid].map((each) => readdirSync(`/proc/${each}/fd`).length);
    await expect.poll(() => after().every((count, index) => count <= (before[index] ?? 0))).toBe(true);
    expect(server.log.otherLines).toEqual([]);
    expect(server.log.all("worker gone")).toEqual([]);
  });

  test("is asked once when two want to know, and both hear it", async () => {
    const controlled = await startWith(BUSY);
    const [one, other] = await Promise.all([connectTo(controlled.project), connectTo(controlled.project)]);
    const answers = [one, other].map(async (socket) => wholeLine(socket));
    for (const socket of [one, other]) socket.write('{"v":1,"cmd":"stack","args":{"slot":0}}\n');
    const [first, second] = await Promise.all(answers);
    expect(JSON.parse(first ?? "")).toMatchObject({ ok: true, profile: {} });
    expect(second).toBe(first);
  });

  test("and has a debugger already is looked at beside it, which is left in peace", async () => {
    const controlled = await startWith(BUSY, ["--node-arg", "--inspect=0"]);
    const { server } = controlled;
    const [pid = 0] = server.workerPids();
    const ports = await listeningPorts(pid);
    expect(ports).toHaveLength(2);
    await tellingProfile(controlled);
    expect(await listeningPorts(pid)).toEqual(ports);
  });

  test("and is killed meanwhile has gone, in a sentence", async () => {
    const controlled = await startWith(BUSY);
    const client = await connectTo(controlled.project);
    const answer = wholeLine(client);
    client.write('{"v":1,"cmd":"stack","args":{"slot":0}}\n{"v":1,"cmd":"kill","args":{"slot":0}}\n');
    const [pid = 0] = controlled.server.workerPids();
    await controlled.server.waitForRecord({ msg: "worker gone", pid });
    expect(JSON.parse(await answer)).toMatchObject({ ok: true, pid });
    expect(JSON.parse(await wholeLine(client, 2))).toEqual({
      ok: false,
      error: `the worker in slot 0 (pid ${pid}) has gone meanwhile`,
    });
  });
});

describe("a worker that cannot be looked at says why:", () => {
  test("there is none", async () => {
    const { ctl } = await startWith(BUSY);
    expect(await ctl("stack", "7")).toMatchObject({ code: 1, stderr: "tsgate: there is no worker in slot 7\n" });
  });

  test("it is still booting", async () => {
    const { server, project, ctl } = await startControlled([], { workers: 1 });
    await project.write("app.mjs", "await new Promise(() => setInterval(() => {}, 1000));\n");
    server.signal("SIGHUP");
    const { slot } = await server.waitForRecord({ msg: "worker spawned", generation: 2 });
    const { code, stderr } = await ctl("stack", String(slot));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tsgate: the worker in slot \d+ \(pid \d+\) is still booting; .*\n$/);
  });
});

describe.skipIf(process.platform !== "linux")("a worker that is late", () => {
  test("is reported with function, file and line, and lives on when it comes to itself", async () => {
    const controlled = await startWith(BUSY);
    const { server, ctl } = controlled;
    const [pid = 0] = server.workerPids();
    const ports = await listeningPorts(pid);
    const client = await connectRaw(await server.target());
    client.get("/block?token=secret");
    await server.waitForOutput(/blocking/);
    const answer = await untilLate(controlled);
    expect(answer).toMatchObject({
      function: "block",
      file: BUSY,
      line: lineIn(BUSY, "// blocked"),
      inFlight: 1,
      requests: [{ method: "GET", path: "/block" }],
    });
    expect(await listeningPorts(pid)).not.toEqual(ports);
    expect((await ctl("stack", "0")).stdout).toMatch(
      /^slot 0, pid \d+, generation 1: no heartbeat for \d+s\nin JavaScript, at block \(.*\)\n {2}at block /,
    );
    await client.received(/^HTTP\/1.1 200/);
    await expect.poll(() => listeningPorts(pid)).toEqual(ports);
    await tellingProfile(controlled);
    expect(server.workerPids()).toEqual([pid]);
    expect(server.log.all(({ level }) => level >= 40)).toEqual([]);
  });

  test("is reported, and killed all the same when its time has come", async () => {
    const controlled = await startWith(HANGING, ["--timeout", "10s"]);
    const { server } = controlled;
    (await connectRaw(await server.target())).get("/loop");
    await server.waitForOutput(/blocking/);
    expect(await untilLate(controlled)).toMatchObject({ function: "spin", line: LOOP_LINE });
    expect(server.log.all("worker hung")).toEqual([]);
    expect(await server.waitForRecord("worker hung")).toMatchObject({ function: "spin", line: LOOP_LINE });
    expect(await server.waitForRecord("worker gone")).toMatchObject({ cause: "hung", signal: "SIGKILL" });
  });

  test("where SIGUSR1 is taken is asked through its thread, again and again", async () => {
    const controlled = await startWith(HANGING, ["--timeout", "20s"]);
    const { server } = controlled;
    const target = await server.target();
    expect((await requestOnce(target, { path: "/listen" })).outcome).toBe("ok");
    (await connectRaw(target)).get("/loop");
    await server.waitForOutput(/blocking/);
    for (let time = 0; time < 3; time++)
      expect(await untilLate(controlled)).toMatchObject({ function: "spin", line: LOOP_LINE });
    expect(server.log.otherLines).toEqual([]);
  });
});

/** The report about the worker in slot 0, as soon as it is one about a late worker. */
async function untilLate({ ctl }: Controlled): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const { code, stdout, stderr } = await ctl("stack", "0", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { examination } = JSON.parse(stdout) as { examination?: Readonly<Record<string, unknown>> };
    if (examination !== undefined) return examination;
  }
}

/** The `nth` line of all that the server sends from the first call on. */
async function wholeLine(socket: net.Socket, nth = 1): Promise<string> {
  const known = heard.get(socket) ?? { text: "" };
  if (!heard.has(socket)) {
    heard.set(socket, known);
    socket.on("data", (more: string) => (known.text += more));
  }
  await expect.poll(() => known.text.split("\n").length).toBeGreaterThan(nth);
  return known.text.split("\n")[nth - 1] ?? "";
}

const heard = new WeakMap<net.Socket, { text: string }>();
