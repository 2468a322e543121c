/** The helpers of the integration tests, on the shipped binary: they must see what a server leaves behind. */

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { isAlive } from "../support/process-tree.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startTraffic } from "../support/traffic.ts";
import { startTsgate, Tsgate } from "../support/tsgate.ts";

const ANSWERING = "export default (request, response) => response.end(String(process.pid));\n";

test("a server under traffic is seen from its start to its end", async () => {
  const project = await tempProject({ "app.mjs": ANSWERING });
  const server = startTsgate(
    ["--workers", "2", "--bind", "127.0.0.1:0", "--pid", "pid", "--linger", "100ms", "app.mjs"],
    {
      cwd: project.dir,
    },
  );
  await server.waitForReady(2);
  expect(server.workerPids()).toHaveLength(2);
  expect(new Set(await server.processes())).toEqual(new Set([server.pid, ...server.workerPids()]));
  const target = await server.target();
  const { reply } = await requestOnce(target);
  expect(server.workerPids()).toContain(Number(reply?.body.toString()));
  const traffic = await startTraffic({ target, lingerMs: 100 });
  await traffic.until(({ outcomes }) => outcomes.ok > 200);
  assertNothingLost(await traffic.stop());
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.workerPids()).toEqual([]);
});

test("a process that a worker has left behind is found, named and ended", async () => {
  const project = await tempProject({
    "app.mjs":
      "import { spawn } from 'node:child_process';\n" +
      "const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });\n" +
      "child.unref();\n" +
      "export default (request, response) => response.end(String(child.pid));\n",
  });
  const server = new Tsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  const { reply } = await requestOnce(await server.target());
  const left = Number(reply?.body.toString());
  expect(isAlive(left)).toBe(true);
  await server.stop();
  await expect(server.cleanup()).rejects.toThrow(`process ${left}`);
  expect(await server.processes()).toEqual([]);
});

test("a worker whose master was killed is found like any other", async () => {
  const project = await tempProject({ "app.mjs": ANSWERING });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  const [worker = 0] = server.workerPids();
  spawnSync("kill", ["-STOP", String(worker)]);
  server.signal("SIGKILL");
  expect(await server.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await server.processes()).toEqual([worker]);
  spawnSync("kill", ["-CONT", String(worker)]);
});
