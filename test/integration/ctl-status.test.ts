/** `tsgate ctl status`: what it shows of a server, once, again and again, and for programs. */

import { expect, onTestFinished, test } from "vitest";
import type { Status } from "../../src/observe/status.ts";
import { ADMIN, statusOf } from "../support/admin.ts";
import { startControlled } from "../support/ctl.ts";
import type { Controlled } from "../support/ctl.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate, Tsgate, TSGATE } from "../support/tsgate.ts";

/** As soon as it is so. */
async function untilStatus({ ctl }: Controlled, isSo: (status: Status) => boolean): Promise<Status> {
  const endsAt = performance.now() + 45_000;
  for (;;) {
    const status = JSON.parse((await ctl("status", "--json")).stdout) as Status;
    if (isSo(status)) return status;
    if (performance.now() > endsAt) throw new Error(JSON.stringify(status));
  }
}

/** A command that goes on until it is told to end. */
function watching({ env }: Controlled, ...more: readonly string[]): Tsgate {
  const command = new Tsgate(["ctl", "status", "--watch", ...more], { env }, { isLogged: false });
  onTestFinished(() => command.cleanup());
  return command;
}

test("a control socket alone is enough: requests, memory and loop are counted, in a table of 80 columns", async () => {
  const controlled = await startControlled();
  const { server, ctl } = controlled;
  for (let request = 0; request < 7; request++) await requestOnce(await server.target());
  const status = await untilStatus(controlled, ({ totals }) => totals.requests === 7);
  expect(status.workers.map(({ slot }) => slot)).toEqual([0, 1]);
  const { code, stdout, stderr } = await ctl("status");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, traffic, pool, ...rest] = stdout.trimEnd().split("\n");
  expect(head).toMatch(
    new RegExp(`^tsgate \\S+ {2}serving {2}generation 1 {2}up \\S+ {2}pid ${server.pid} {2}app.mjs$`),
  );
  expect(traffic).toMatch(/^\S+ requests\/s {2}p50 .* {2}p99 .* {2}0 errors\/s$/);
  expect(pool).toMatch(/^2 of 2 workers ready {2}0 in flight {2}\d+ connections?$/);
  expect(rest[1]).toMatch(/^SLOT +PID +STATE +GEN +AGE +REQUESTS +FLIGHT +LOOP +MEMORY +LAST EXIT$/);
  expect(rest.slice(2)).toHaveLength(2);
  for (const row of rest.slice(2)) expect(row).toMatch(/^ +[01] +\d+ +ready +1 +\d+s +\d +0 +\d+% +\d+M$/);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("is the document of /status.json, in one line", async () => {
  const controlled = await startControlled(ADMIN);
  const { stdout } = await controlled.ctl("status", "--json");
  expect(stdout.endsWith("}\n")).toBe(true);
  expect(stdout.trimEnd()).not.toContain("\n");
  const { ok, ...status } = JSON.parse(stdout) as Status & { ok: boolean };
  expect(ok).toBe(true);
  const served = await statusOf(controlled.server);
  expect(Object.keys(status)).toEqual(Object.keys(served));
  expect(status.server).toMatchObject({ pid: served.server.pid, target: 2, ready: 2, generation: 1 });
});

test("shows how a worker ended, and why a reload failed, with the place in the user's code", async () => {
  const { server, project, ctl } = await startControlled();
  const [pid = 0] = server.workerPids();
  process.kill(pid, "SIGKILL");
  await server.waitForRecord({ msg: "worker gone", pid });
  expect((await ctl("status")).stdout).toMatch(/^ +0 .* killed from/m);
  await server.waitForRecord("worker ready", { nth: 3 });
  await project.write("app.mjs", 'throw new Error("no database");\n');
  expect((await ctl("reload", "--wait")).code).toBe(1);
  const { stdout } = await ctl("status");
  expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
    /last reload failed \d+s ago: application app\.mjs failed to load: no database, at \S*app\.mjs:1:7/,
  );
});

test("--watch without a terminal writes a table a second, and --json a line; Ctrl-C ends it with 0", async () => {
  const controlled = await startControlled();
  const tables = watching(controlled);
  await tables.waitForOutput(/(SLOT[^]*){3}/);
  expect(tables.stdout).not.toContain("\u001B");
  tables.signal("SIGINT");
  expect(await tables.exited).toEqual({ code: 0, signal: null });
  const lines = watching(controlled, "--json");
  await lines.waitForOutput(/(\n[^]*){3}/);
  lines.signal("SIGTERM");
  expect(await lines.exited).toEqual({ code: 0, signal: null });
  const read = lines.stdout.trimEnd().split("\n");
  expect(read.map((line) => (JSON.parse(line) as Status).server.pid)).toEqual(read.map(() => controlled.server.pid));
});

test("--watch ends with a sentence when the server stops, and when it is killed", async () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const controlled = await startControlled();
    const tables = watching(controlled);
    await tables.waitForOutput(/SLOT/);
    controlled.server.signal(signal);
    expect(await tables.exited).toEqual({ code: 1, signal: null });
    expect(tables.stderr).toBe("tsgate: the server has gone\n");
  }
});

test("--watch ends when nobody reads it any more", async () => {
  const { env } = await startControlled();
  const script = '"$0" -- "$1" ctl status --watch | head -n 1; echo over';
  const shell = startTsgate([], { env, command: ["sh", "-c", script, process.execPath, TSGATE] });
  expect((await shell.exited).code).toBe(0);
  expect(shell.stdout).toMatch(/^tsgate .*\nover\n$/);
  expect(shell.stderr).toBe("");
});

test("a server that answers nothing is said to be so", async () => {
  const { server, ctl } = await startControlled();
  server.signal("SIGSTOP");
  const asked = ctl("status");
  expect(await asked).toMatchObject({ code: 1, stderr: "tsgate: the server does not answer\n" });
  server.signal("SIGCONT");
  expect((await ctl("status")).code).toBe(0);
});
