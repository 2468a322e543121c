/** The hooks of the configuration file: which run where, in which order, with what, and what they cannot break. */

import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

/** Says which hook began, and a moment later that it is over, so that it shows who waits for it. */
const TELLING = `
import { existsSync } from "node:fs";
const say = (what) => console.log(JSON.stringify({ pid: process.pid, ...what }));
const pause = () => new Promise((resolve) => setTimeout(resolve, 30));
const telling = (hook) => async (...args) => {
  say({ hook, args, isBound: existsSync("app.sock") });
  await pause();
  say({ hook: hook + " is over" });
};
const names = ["onStarting", "whenReady", "onReload", "onExit", "childExit", "workersChanged", "postWorkerInit", "workerExit"];
export default { ...Object.fromEntries(names.map((name) => [name, telling(name)])), linger: "50ms" };
`;

const APP = `
export const startup = () => console.log(JSON.stringify({ pid: process.pid, hook: "startup of the application" }));
export default (request, response) => response.end("served");
`;

interface Told {
  readonly pid: number;
  readonly hook: string;
  readonly args?: readonly unknown[];
  readonly isBound?: boolean;
}

test("master and workers run their hooks, each at its time, with its arguments, and are waited for", async () => {
  const server = start(await tempProject({ "app.mjs": APP, "tsgate.config.mjs": TELLING }));
  await server.waitForReady(2);
  await server.waitForOutput(/"whenReady is over"/);
  const ready = told(server);
  expect(ready.slice(0, 2)).toEqual([
    { pid: server.pid, hook: "onStarting", args: [], isBound: false },
    { pid: server.pid, hook: "onStarting is over" },
  ]);
  const workers = server.log
    .all("worker ready")
    .map(({ slot, id, generation, pid }) => ({ slot, id, generation, pid }));
  for (const worker of workers) {
    const own = ready.filter(({ pid }) => pid === worker.pid);
    expect(own.map(({ hook }) => hook)).toEqual([
      "postWorkerInit",
      "postWorkerInit is over",
      "startup of the application",
    ]);
    expect(own[0]?.args).toEqual([worker]);
  }
  expect(ready.filter(({ hook }) => hook === "whenReady")).toEqual([
    { pid: server.pid, hook: "whenReady", args: [], isBound: true },
  ]);
  expect(ready.at(-1)?.hook).toBe("whenReady is over");

  server.signal("SIGTTIN");
  await server.waitForReady(3);
  await server.waitForOutput(/"workersChanged is over"/);
  expect(toldOf(server, "workersChanged")).toEqual([
    { pid: server.pid, hook: "workersChanged", args: [3, 2], isBound: true },
  ]);

  const [victim] = workers;
  const from = server.log.length;
  process.kill(victim?.pid ?? 0, "SIGKILL");
  await server.waitForOutput(/"childExit"/);
  expect(toldOf(server, "childExit")[0]).toMatchObject({ pid: server.pid, args: [victim, null, "SIGKILL"] });
  await server.waitForReady(3, { from });

  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  await server.waitForOutput(/"onReload is over"/);
  expect(toldOf(server, "onReload")).toEqual([{ pid: server.pid, hook: "onReload", args: [], isBound: true }]);

  const pids = server.workerPids();
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const stopped = told(server);
  for (const pid of pids) {
    expect(
      stopped
        .filter((one) => one.pid === pid)
        .map(({ hook }) => hook)
        .slice(-2),
    ).toEqual(["workerExit", "workerExit is over"]);
  }
  expect(stopped.slice(-2)).toMatchObject([
    { pid: server.pid, hook: "onExit", args: [], isBound: false },
    { pid: server.pid, hook: "onExit is over" },
  ]);
});

test("a hook that throws is logged with its name and changes nothing", async () => {
  const names = [
    "onStarting",
    "whenReady",
    "onReload",
    "onExit",
    "workersChanged",
    "postWorkerInit",
    "workerExit",
    "childExit",
  ];
  const code = `
    const broken = (name) => [name, async () => { throw new Error(name + " is broken"); }];
    export default { ...Object.fromEntries(${JSON.stringify(names)}.map(broken)), linger: "50ms" };
  `;
  const server = start(await tempProject({ "app.mjs": APP, "tsgate.config.mjs": code }));
  await server.waitForReady(2);
  server.signal("SIGTTIN");
  await server.waitForReady(3);
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  expect(await ask({ path: server.path("app.sock") })).toBe("served");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const failures = server.log.all("hook failed");
  expect([...new Set(failures.map(({ hook }) => hook))].toSorted()).toEqual(names.toSorted());
  for (const { level, hook, role, error } of failures) {
    const isWorkers = hook === "postWorkerInit" || hook === "workerExit";
    expect({ level, role }).toEqual({ level: 50, role: isWorkers ? "worker" : "master" });
    expect(error).toMatchObject({
      message: `${String(hook)} is broken`,
      stack: expect.stringContaining("tsgate.config.mjs") as string,
    });
  }
});

function start(
  project: TempProject,
  env: Readonly<Record<string, string>> = {},
): Tsgate & { path(name: string): string } {
  const server = startTsgate(["--workers", "2", "--bind", "unix:app.sock", "app.mjs"], { cwd: project.dir, env });
  return Object.assign(server, { path: (name: string) => project.path(name) });
}

function told(server: Tsgate): Told[] {
  return server.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Told);
}

function toldOf(server: Tsgate, name: string): Told[] {
  return told(server).filter(({ hook }) => hook === name);
}

test("code of the configuration file that fails where nobody catches is logged, and the server goes on", async () => {
  const config = `
Promise.reject(new Error("nobody caught this"));
export default { whenReady: () => void setTimeout(() => { throw new Error("nor this"); }) };
`;
  const server = start(await tempProject({ "app.mjs": APP, "tsgate.config.mjs": config }));
  await server.waitForReady(2);
  const records = await Promise.all(
    [0, 1].map((nth) => server.waitForRecord("uncaught exception in the master", { nth: nth + 1 })),
  );
  expect(records.map(({ error }) => (error as { message: string }).message)).toEqual([
    "nobody caught this",
    "nor this",
  ]);
  expect(await ask(await server.target())).toBe("served");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test("a signal that asks for a stop does not wait for a hook", async () => {
  const code = `
    const never = (name) => async () => { console.log(name); await new Promise((resolve) => setTimeout(resolve, 60_000)); };
    export default { onStarting: process.env.SLOW === "onStarting" ? never("onStarting") : undefined, onExit: never("onExit") };
  `;
  const project = await tempProject({ "app.mjs": APP, "tsgate.config.mjs": code });
  const starting = start(project, { SLOW: "onStarting" });
  await starting.waitForOutput(/onStarting/);
  const begunAt = performance.now();
  starting.signal("SIGTERM");
  expect(await starting.exited).toEqual({ code: 0, signal: null });
  expect(starting.log.all("listening")).toEqual([]);

  const leaving = start(project);
  await leaving.waitForReady(2);
  leaving.signal("SIGTERM");
  await leaving.waitForOutput(/onExit/);
  leaving.signal("SIGTERM");
  expect(await leaving.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - begunAt).toBeLessThan(45_000);
});

test("whenReady is called, once, also when a reload overtakes the first start", async () => {
  const code = 'export default { whenReady: () => console.log("all are ready") };\n';
  const project = await tempProject({ "app.mjs": APP, "tsgate.config.mjs": code });
  const server = start(project);
  await server.waitForRecord("worker ready");
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  await server.waitForOutput(/all are ready/);
  server.signal("SIGHUP");
  await server.waitForRecord("reload done", { nth: 2 });
  await server.stop();
  expect(server.stdout.match(/all are ready/g)).toHaveLength(1);
});

test("whenReady is called also when a broken reload has ended the first start in its place", async () => {
  const code = 'export default { whenReady: () => console.log("all are ready") };\n';
  const slow = `import { existsSync } from "node:fs";
    if (process.title.includes("worker 0") && existsSync("broken")) throw new Error("broken");
    while (process.title.includes("worker 1") && !existsSync("go")) await new Promise((done) => setTimeout(done, 20));
    ${APP}`;
  const project = await tempProject({ "app.mjs": slow, "tsgate.config.mjs": code });
  const server = start(project);
  await server.waitForRecord("worker ready");
  await project.write("broken", "");
  server.signal("SIGHUP");
  await server.waitForRecord("reload failed");
  expect(server.stdout).not.toContain("all are ready");
  await project.write("go", "");
  await server.waitForOutput(/all are ready/);
  await server.stop();
  expect(server.stdout.match(/all are ready/g)).toHaveLength(1);
});
