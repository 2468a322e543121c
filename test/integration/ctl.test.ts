/** `tsgate ctl` against a running server, and what else may come over the control socket. */

import { once } from "node:events";
import { statSync } from "node:fs";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { application } from "../support/applications.ts";
import { versionServedBy } from "../support/reloading.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

interface Started {
  readonly server: Tsgate;
  readonly project: TempProject;
  /** Runs `tsgate ctl`. */
  readonly ctl: (...args: readonly string[]) => ReturnType<typeof runTsgate>;
}

async function start(args: readonly string[] = []): Promise<Started> {
  const project = await tempProject({ "app.mjs": application("node", "one") });
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", "100ms", "--control-socket", "ctl.sock"];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  const env = { TSGATE_CONTROL_SOCKET: project.path("ctl.sock") };
  return { server, project, ctl: async (...words) => runTsgate(["ctl", ...words], { env }) };
}

async function connectTo(project: TempProject): Promise<net.Socket> {
  const socket = net.connect({ path: project.path("ctl.sock") }).setEncoding("utf8");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function nextLine(socket: net.Socket): Promise<unknown> {
  const [text] = (await once(socket, "data")) as [string];
  return JSON.parse(text.split("\n")[0] ?? "");
}

test("the socket is its owner's alone, and gone with the server", async () => {
  const { server, project } = await start();
  expect(statSync(project.path("ctl.sock")).mode & 0o777).toBe(0o600);
  await server.stop();
  expect(statSync(project.path("ctl.sock"), { throwIfNoEntry: false })).toBeUndefined();
});

test("reload --wait shows the way and ends with 0 when the new code serves", async () => {
  const { server, project, ctl } = await start();
  await project.write("app.mjs", application("node", "two"));
  const { code, stdout } = await ctl("reload", "--wait");
  expect(code).toBe(0);
  expect(stdout).toContain("generation 2: 0 of 2 ready, the first worker is tried\n");
  expect(stdout).toContain("generation 2: 2 of 2 ready, taking over\n");
  expect(await versionServedBy(server)).toBe("two");
});

test("reload --wait ends with 1 and the cause when the new code does not run, with the user's stack", async () => {
  const { server, project, ctl } = await start();
  await project.write("app.mjs", 'function load() {\n  throw new Error("no database");\n}\nload();\n');
  const { code, stderr } = await ctl("reload", "--wait");
  expect(code).toBe(1);
  expect(stderr).toContain("tsgate: application app.mjs failed to load: no database\n");
  expect(stderr).toMatch(/at load \(.*app\.mjs:2:9\)/);
  expect(await versionServedBy(server)).toBe("one");
  await project.write("tsgate.config.json", '{"nonsense": 1}');
  expect((await ctl("reload", "--wait")).stderr).toContain("nonsense");
});

test("two that reload at once both learn how the newest one ends, and one that is cut off by a stop learns that", async () => {
  const { server, ctl } = await start();
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
  const { server, ctl } = await start();
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

test("config shows the settings in force, secrets masked", async () => {
  const { ctl } = await start(["--env", "API_KEY=abc", "--env", "PLAIN=yes"]);
  const { stdout } = await ctl("config", "--json");
  expect(stdout).toContain("PLAIN=yes");
  expect(stdout).not.toContain("abc");
});

test("garbage, silence, floods and those who do not read harm nobody", async () => {
  const { server, project, ctl } = await start();
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
  const { project } = await start();
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
