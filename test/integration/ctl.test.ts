/** `tsgate ctl` against a running server, and what else may come over the control socket. */

import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { ADMIN } from "../support/admin.ts";
import { application } from "../support/applications.ts";
import { connectTo, nextLine, startControlled } from "../support/ctl.ts";
import { versionServedBy } from "../support/reloading.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";

test("the socket is its owner's alone, and gone with the server", async () => {
  const { server, project } = await startControlled();
  expect(statSync(project.path("ctl.sock")).mode & 0o777).toBe(0o600);
  await server.stop();
  expect(statSync(project.path("ctl.sock"), { throwIfNoEntry: false })).toBeUndefined();
});

test("reload --wait shows the way and ends with 0 when the new code serves", async () => {
  const { server, project, ctl } = await startControlled();
  await project.write("app.mjs", application("node", "two"));
  const { code, stdout } = await ctl("reload", "--wait");
  expect(code).toBe(0);
  expect(stdout).toContain("generation 2: 0 of 2 ready, the first worker is tried\n");
  expect(stdout).toContain("generation 2: 2 of 2 ready, taking over\n");
  expect(await versionServedBy(server)).toBe("two");
});

test("reload --wait ends with 1 and the cause when the new code does not run, with the user's stack", async () => {
  const { server, project, ctl } = await startControlled();
  await project.write("app.mjs", 'function load() {\n  throw new Error("no database");\n}\nload();\n');
  const { code, stderr } = await ctl("reload", "--wait");
  expect(code).toBe(1);
  expect(stderr).toContain("tsgate: application app.mjs failed to load: no database\n");
  expect(stderr).toMatch(/at load \(.*app\.mjs:2:9\)/);
  expect(await versionServedBy(server)).toBe("one");
  // What the terminal of whoever asks would obey.
  await project.write("app.mjs", String.raw`throw new Error("no\x1b[2J database\x9b");`);
  const { stderr: harmless } = await ctl("reload", "--wait");
  expect(harmless).toContain("failed to load: no [2J database \n");
  expect(harmless).not.toMatch(/[^\P{Cc}\n]/u);
  await project.write("tsgate.config.json", '{"nonsense": 1}');
  expect((await ctl("reload", "--wait")).stderr).toContain("nonsense");
});

test("two that reload at once both learn how the newest one ends, and one that is cut off by a stop learns that", async () => {
  const { server, ctl } = await startControlled();
  const both = await Promise.all([ctl("reload", "--wait", "--json"), ctl("reload", "--wait", "--json")]);
  for (const { code, stdout } of both) {
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ ok: true });
  }
  const cut = ctl("reload", "--wait");
  await server.waitForRecord("reload started", { from: server.log.length });
  server.signal("SIGTERM");
  expect(await cut).toMatchObject({ code: 1, stderr: "tsgate: the server is stopping\n" });
});

test("scale, kill and stop do what the signals do", async () => {
  const { server, ctl } = await startControlled();
  expect((await ctl("scale", "3")).code).toBe(0);
  await server.waitForReady(3);
  const [victim] = server.workerPids();
  const { slot } = await server.waitForRecord({ msg: "worker ready", pid: victim as number });
  const from = server.log.length;
  expect((await ctl("kill", String(slot))).code).toBe(0);
  expect(await server.waitForRecord("worker gone", { from })).toMatchObject({
    pid: victim,
    cause: "killed on request",
  });
  await server.waitForReady(3, { from });
  expect(await ctl("kill", "9")).toMatchObject({ code: 1, stderr: "tsgate: there is no worker in slot 9\n" });
  expect((await ctl("stop")).code).toBe(0);
  expect(await server.exited).toEqual({ code: 0, signal: null });
  const { code, stderr } = await ctl("status");
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^tsgate: there is no control socket at .*ctl\.sock; was the server started with --control-socket\?\n$/,
  );
});

test("config shows the settings in force, and no secret from wherever it came", async () => {
  const files = await tempProject({ token: "secret-of-token-file", ".env": "FROM_FILE=secret-of-env-file\n" });
  const secrets = ["--env", "API_KEY=secret-of-flag", "--env-file", files.path(".env")];
  const args = [...ADMIN, "--admin-token-file", files.path("token"), "--env", "PLAIN=yes", ...secrets];
  const { ctl } = await startControlled(args, { env: { MY_TOKEN: "secret-of-environment" } });
  const forPrograms = await ctl("config", "--json");
  expect(JSON.parse(forPrograms.stdout)).toMatchObject({ ok: true, settings: { workers: { value: "2" } } });
  const forPeople = await ctl("config");
  expect(forPeople.stdout).toMatch(/^workers +2 +command line$/m);
  for (const { code, stdout } of [forPrograms, forPeople]) {
    expect(code).toBe(0);
    expect(stdout).toContain("PLAIN=yes");
    expect(stdout).toContain(files.path("token"));
    expect(stdout).not.toContain("secret-of");
  }
});

test("each command answers in a sentence, and with --json in a line", async () => {
  const { server, ctl } = await startControlled();
  expect((await ctl("scale", "3")).stdout).toBe("3 workers are wanted now, 2 were before\n");
  await server.waitForReady(3);
  const pid = server.log.all("worker ready").find(({ slot }) => slot === 1)?.pid;
  expect((await ctl("kill", "1")).stdout).toBe(
    `the worker in slot 1 (pid ${pid}) was killed; another takes its place\n`,
  );
  expect((await ctl("reopen-logs")).stdout).toMatch(/^the log files are opened anew; .*\n$/);
  await server.waitForRecord("logs reopened");
  expect((await ctl("reload")).stdout).toMatch(/^a reload has begun; .*\n$/);
  await server.waitForRecord("reload done");
  expect(JSON.parse((await ctl("scale", "3", "--json")).stdout)).toEqual({ ok: true, workers: 3, before: 3 });
  expect((await ctl("stop")).stdout).toBe("the server has stopped\n");
  await server.exited;
});

test("a client that has said all that it wants still gets its answers, each in a line", async () => {
  const { project } = await startControlled();
  const client = await connectTo(project);
  let text = "";
  client.on("data", (more: string) => (text += more));
  client.end('{"v":1,"cmd":"config"}\n{"v":1,"cmd":"reload","args":{"wait":true}}\n{"v":1,"cmd":"nonsense"}\n');
  await once(client, "close");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(lines.filter(({ ok }) => ok === true)).toHaveLength(2);
  expect(lines.filter(({ ok }) => ok === false)).toEqual([{ ok: false, error: 'there is no command "nonsense"' }]);
  expect(lines.at(-1)).toMatchObject({ ok: true, generation: 2 });
});

test("what hangs, floods or goes leaves no descriptor behind", async () => {
  const { server, project, ctl } = await startControlled();
  const descriptors = (): number => readdirSync(`/proc/${server.pid}/fd`).length;
  expect((await ctl("status")).code).toBe(0);
  const before = descriptors();
  const half = await connectTo(project);
  half.write('{"v":1,"cmd":"sta');
  const endless = await connectTo(project);
  const cutOff = new Promise((resolve) => endless.on("error", () => {}).once("close", resolve));
  endless.write("x".repeat(1024 * 1024));
  await cutOff;
  const leaving = await connectTo(project);
  leaving.write('{"v":1,"cmd":"reload","args":{"wait":true}}\n{"v":1,"cmd":"stack","args":{"slot":0}}\n');
  await server.waitForRecord("reload started");
  leaving.destroy();
  const both = await Promise.all([ctl("status", "--json"), ctl("config", "--json")]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  half.write('tus"}\n');
  expect(await nextLine(half)).toMatchObject({ ok: true });
  await server.waitForRecord("reload done");
  half.destroy();
  // Two workers have been replaced: as many pipes as before.
  await expect.poll(descriptors).toBeLessThanOrEqual(before);
  expect((await requestOnce(await server.target())).outcome).toBe("ok");
  expect(server.log.all(({ level }) => level >= 40)).toEqual([]);
});

test("a socket that a killed server has left is replaced, and stays through a reload", async () => {
  const first = await startControlled();
  first.server.signal("SIGKILL");
  await first.server.exited;
  expect(statSync(first.project.path("ctl.sock")).isSocket()).toBe(true);
  const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--control-socket", "ctl.sock", "app.mjs"];
  const second = startTsgate(args, { cwd: first.project.dir });
  await second.waitForReady(1);
  const { ino } = statSync(first.project.path("ctl.sock"));
  expect((await first.ctl("reload", "--wait")).code).toBe(0);
  expect(statSync(first.project.path("ctl.sock")).ino).toBe(ino);
  expect(JSON.parse((await first.ctl("status", "--json")).stdout)).toMatchObject({ server: { pid: second.pid } });
});

test("a control socket that is changed in the file stays until a restart, and the reload says so", async () => {
  const project = await tempProject({
    "app.mjs": application("node", "one"),
    "tsgate.config.json": '{"controlSocket": "ctl.sock"}',
  });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  await project.write("tsgate.config.json", '{"controlSocket": "other.sock"}');
  const env = { TSGATE_CONTROL_SOCKET: project.path("ctl.sock") };
  const { code, stdout } = await runTsgate(["ctl", "reload", "--wait"], { env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/\nchanged, but only a restart puts it into force: controlSocket\n$/);
  expect(server.log.all("reload started")).toMatchObject([{ needsRestart: ["controlSocket"] }]);
  expect(statSync(project.path("other.sock"), { throwIfNoEntry: false })).toBeUndefined();
});

test("garbage, silence, floods and those who do not read harm nobody", async () => {
  const { server, project, ctl } = await startControlled();
  const garbage = await connectTo(project);
  garbage.write("GET / HTTP/1.1\r\n\r\n");
  expect(await nextLine(garbage)).toMatchObject({ ok: false });
  garbage.write("x".repeat(10_000));
  await once(garbage, "end");
  const silent = await Promise.all(Array.from({ length: 20 }, async () => connectTo(project)));
  const greedy = await connectTo(project);
  greedy.pause();
  for (let count = 0; count < 2000; count++) greedy.write('{"v":1,"cmd":"config"}\n');
  const leaving = await connectTo(project);
  leaving.write('{"v":1,"cmd":"reload","args":{"wait":true}}\n');
  leaving.destroy();
  await server.waitForRecord("reload done");
  expect((await ctl("status")).code).toBe(0);
  expect((await requestOnce(await server.target())).outcome).toBe("ok");
  expect(silent.every((socket) => !socket.destroyed)).toBe(true);
  expect(server.log.all(({ level }) => level >= 50)).toEqual([]);
});

test("a path that is taken or not there is exit 5, and nothing is left", async () => {
  const { project } = await startControlled();
  const bind = ["--bind", "127.0.0.1:0", "app.mjs"];
  const second = await runTsgate(["--control-socket", "ctl.sock", ...bind], { cwd: project.dir });
  expect(second.code).toBe(5);
  expect(second.stderr).toContain("another server is listening on this path");
  const missing = await runTsgate(["--control-socket", "nowhere/ctl.sock", ...bind], { cwd: project.dir });
  expect(missing.code).toBe(5);
  expect(missing.stderr).toMatch(
    /^tsgate: cannot listen on unix:.*nowhere\/ctl\.sock.* the directory .*nowhere does not exist\n$/,
  );
});
