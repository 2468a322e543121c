/** Two servers that want the same place, and one that finds what a dead one left. */

import { readFile, stat } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";

const APP = { "app.mjs": "export default (request, response) => response.end(String(process.pid));\n" };

test("a second instance on the same port, path or pidfile is refused and steals nothing", async () => {
  const project = await tempProject(APP);
  const socket = project.path("app.sock");
  const first = startTsgate(
    ["--workers", "2", "--bind", "127.0.0.1:0", "--bind", "unix:app.sock", "--pid", "pid", "app.mjs"],
    { cwd: project.dir },
  );
  await first.waitForReady(2);
  const target = await first.target();
  const address = await first.address();
  const before = { socket: (await stat(socket)).ino, pidfile: await readFile(project.path("pid"), "utf8") };
  expect(before.pidfile).toBe(`${first.pid}\n`);

  expect(await failedStart(project, ["app.mjs"], { places: ["--bind", address] })).toEqual({
    code: 5,
    sentence: `cannot listen on ${address}: the address is already in use`,
    stack: "",
  });
  expect(await failedStart(project, ["app.mjs"], { places: ["--bind", "unix:app.sock"] })).toEqual({
    code: 5,
    sentence: "cannot listen on unix:DIR/app.sock: another server is listening on this path",
    stack: "",
  });
  const places = ["--bind", "127.0.0.1:0"];
  expect(await failedStart(project, ["app.mjs"], { places, env: { TSGATE_PID: "pid" } })).toEqual({
    code: 1,
    sentence: `the pidfile DIR/pid belongs to process ${first.pid}, which is running`,
    stack: "",
  });

  expect({ socket: (await stat(socket)).ino, pidfile: await readFile(project.path("pid"), "utf8") }).toEqual(before);
  const pids = first.workerPids();
  for (const place of [target, { path: socket }]) expect(pids).toContain(Number(await ask(place)));
  expect(first.log.all("worker gone")).toEqual([]);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
});

test("the pidfile and the path that a killed server left are recovered", async () => {
  const project = await tempProject(APP);
  const args = ["--workers", "1", "--bind", "unix:app.sock", "--pid", "pid", "app.mjs"];
  const killed = startTsgate(args, { cwd: project.dir });
  await killed.waitForReady(1);
  killed.signal("SIGKILL");
  await killed.exited;
  for (const pid of killed.workerPids()) spawnSync("kill", ["-KILL", String(pid)]);
  expect(await readFile(project.path("pid"), "utf8")).toBe(`${killed.pid}\n`);
  expect((await stat(project.path("app.sock"))).isSocket()).toBe(true);

  const next = startTsgate(args, { cwd: project.dir });
  await next.waitForReady(1);
  expect(await readFile(project.path("pid"), "utf8")).toBe(`${next.pid}\n`);
  expect(next.workerPids()).toContain(Number(await ask(await next.target())));
  expect(await next.stop()).toEqual({ code: 0, signal: null });
});

test("a pidfile that names nobody is recovered, and so is one older than the process it names", async () => {
  const project = await tempProject({ ...APP, pid: "garbage\n", old: `${process.pid}\n` });
  spawnSync("touch", ["-d", "1999-12-31T23:59:00Z", project.path("old")]);
  for (const file of ["pid", "old"]) {
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "--pid", file, "app.mjs"], {
      cwd: project.dir,
    });
    await server.waitForReady(1);
    expect(await readFile(project.path(file), "utf8")).toBe(`${server.pid}\n`);
    expect((await server.stop()).code).toBe(0);
  }
});

test("a pidfile that somebody else has written over is left alone at the end", async () => {
  const project = await tempProject(APP);
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], {
    cwd: project.dir,
    env: { TSGATE_PID: "pid" },
  });
  await server.waitForReady(1);
  await project.write("pid", "1\n");
  expect((await server.stop()).code).toBe(0);
  expect(await readFile(project.path("pid"), "utf8")).toBe("1\n");
});
