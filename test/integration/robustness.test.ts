/** What should not bring a master down: each of these once did, or could. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { readMetrics } from "../support/metrics-text.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";

const APP = 'export default (request, response) => response.end("served");\n';
const BIND = ["--bind", "127.0.0.1:0"];
const soon = { timeout: 45_000, interval: 50 } as const;

test("an application that speaks on the master's channel in the master's words is not believed", async () => {
  const talking =
    'process.send({ tsgate: "nonsense" });\nprocess.send({ tsgate: "uncaught" });\nprocess.send({ tsgate: null });\n';
  const project = await tempProject({ "app.mjs": talking + APP });
  const server = startTsgate(["--workers", "1", ...BIND, "app.mjs"], { cwd: project.dir });
  expect(await ask(await server.target())).toBe("served");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test("a reload whose workers cannot be forked fails, and the old ones go on", async () => {
  const project = await tempProject({ "app.mjs": APP, "app.env": "A=1\n" });
  const server = startTsgate(["--workers", "1", ...BIND, "--env-file", "app.env", "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  const [worker] = server.workerPids();
  await project.write("app.env", `A=${"a".repeat(200_000)}\n`);
  server.signal("SIGHUP");
  const { error } = await server.waitForRecord("reload failed");
  expect(error).toMatch(/^a worker's process could not be started: .*E2BIG/);
  expect(await ask(await server.target())).toBe("served");
  expect(server.workerPids()).toEqual([worker]);
});

test("a unix path whose server is still booting is not taken for stale", async () => {
  const waiting = 'import { existsSync } from "node:fs";\n';
  const until = 'while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 10));\n';
  const project = await tempProject({ "app.mjs": waiting + until + APP, "other.mjs": APP });
  const bind = ["--workers", "1", "--bind", "unix:app.sock"];
  const server = startTsgate([...bind, "app.mjs"], { cwd: project.dir });
  await server.waitForRecord("worker spawned");
  const second = await runTsgate([...bind, "other.mjs"], { cwd: project.dir });
  expect(second.code).toBe(5);
  expect(second.stderr).toContain("another server is listening on this path");
  await project.write("go", "");
  await server.waitForReady(1);
  expect(await ask({ path: project.path("app.sock") })).toBe("served");
});

test("a server whose log cannot be written serves and ends all the same", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const bind = ["--workers", "1", "--bind", "unix:app.sock", "--log-file", "/dev/full"];
  const server = startTsgate([...bind, "app.mjs"], { cwd: project.dir });
  const target = { path: project.path("app.sock") };
  await expect.poll(() => ask(target).catch(() => "not yet")).toBe("served");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.runIf(existsSync("/dev/full"))(
  "full disks under both logs cost no request, and what the server's log loses is counted",
  async () => {
    const app = `export default (request, response) => {
      if (request.url === "/much") for (let line = 0; line < 400; line++) console.log("x".repeat(16_000));
      response.setHeader("x-worker-pid", process.pid);
      response.end();
    };\n`;
    const project = await tempProject({ "app.mjs": app });
    const own = ["--workers", "2", "--bind", "unix:app.sock", "--admin-bind", "unix:admin.sock", "--capture-output"];
    const logs = ["--log-file", "/dev/full", "--access-logfile", "/dev/full"];
    const server = startTsgate([...own, ...logs, "app.mjs"], { cwd: project.dir });
    const [target, admin] = [{ path: project.path("app.sock") }, { path: project.path("admin.sock") }];
    await expect.poll(() => ask(admin, "/readyz").catch(() => "not yet"), soon).toBe("ready\n");
    const traffic = await startLightTraffic(target, 5000);
    expect((await requestOnce(target, { path: "/much" })).outcome).toBe("ok");
    const dropped = async (): Promise<number | undefined> =>
      readMetrics(await ask(admin, "/metrics")).series.get('tsgate_log_records_dropped_total{where="target"}');
    await expect.poll(dropped, soon).toBeGreaterThan(0);
    assertNothingLost(await traffic.stop());
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  },
);

test("an error of megabytes is cut, and its stack is still told", async () => {
  const project = await tempProject({ "app.mjs": 'throw new Error("x".repeat(5_000_000));\n' });
  const { code, stderr } = await runTsgate([...BIND, "app.mjs"], { cwd: project.dir });
  expect(code).toBe(4);
  expect(stderr).toMatch(/^tsgate: application app\.mjs failed to load: x+… \(\d+ characters more\)$/m);
  expect(stderr).toMatch(/at .*app\.mjs:1:7/);
  expect(stderr.length).toBeLessThan(100_000);
});

test("an application that takes process.send away is served", async () => {
  const project = await tempProject({ "app.mjs": `delete process.send;\nprocess.send = undefined;\n${APP}` });
  const server = startTsgate(["--workers", "1", ...BIND, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  expect(await ask(await server.target())).toBe("served");
});

test("sockets that an application sends to the master are closed there", async () => {
  const sending = `import net from "node:net";
    export default (request, response) => {
      const peer = net.createServer((socket) => process.send("a socket", socket)).listen(0, "127.0.0.1", () => {
        const client = net.connect(peer.address().port, "127.0.0.1").resume();
        client.on("close", () => response.end("closed"));
      });
    };`;
  const project = await tempProject({ "app.mjs": sending });
  const server = startTsgate(["--workers", "1", ...BIND, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  const descriptors = async (): Promise<number> => (await readdir(`/proc/${server.pid}/fd`)).length;
  const target = await server.target();
  expect(await ask(target)).toBe("closed");
  const before = await descriptors();
  for (let i = 0; i < 5; i++) expect(await ask(target)).toBe("closed");
  // Each second listen() of an application's costs the master one descriptor, by node:cluster; the sockets cost none.
  await expect.poll(descriptors).toBeLessThanOrEqual(before + 5);
});
