/** As process 1 of a container: signals work and orphans are reaped, by the shell that begins the command or by an init. */

import { expect, test } from "vitest";
import { describeUnless } from "../support/peers.ts";
import {
  childrenOf,
  namespaceProblem,
  ORPHANING,
  processOne,
  startAsProcessOne,
  zombiesOf,
} from "../support/process-one.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { TSGATE } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const STARTS = [
  { started: "the command itself", command: [TSGATE] },
  { started: "node", command: [process.execPath, "--", TSGATE] },
];

describeUnless(namespaceProblem, "as process 1", () => {
  test.each(STARTS)("started with $started it reloads, scales and stops as it is told to", async ({ command }) => {
    const server = await start(command);
    const init = await processOne(server);
    process.kill(init, "SIGHUP");
    await server.waitForRecord("reload done");
    const from = server.log.length;
    process.kill(init, "SIGTTIN");
    await server.waitForRecord({ msg: "workers changed", target: 2 });
    await server.waitForReady(2, { from });
    process.kill(init, "SIGTTOU");
    await server.waitForRecord({ msg: "workers changed", target: 1 });
    process.kill(init, "SIGTERM");
    await server.waitForRecord({ msg: "server stopping", kind: "graceful" });
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test.each(["SIGINT", "SIGQUIT"] as const)("%s stops it quickly", async (signal) => {
    const server = await start([TSGATE]);
    process.kill(await processOne(server), signal);
    await server.waitForRecord({ msg: "server stopping", kind: "quick", signal });
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("what goes wrong at a start is said with its exit code", async () => {
    const project = await tempProject({ "app.mjs": "throw new Error('no disk');\n" });
    const server = startAsProcessOne(["--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
    expect(await server.exited).toEqual({ code: 4, signal: null });
  });

  test("a master that is killed ends the container, and is not taken for a good end", async () => {
    const server = await start([TSGATE]);
    const { pid } = await server.waitForRecord("server starting");
    expect(pid).not.toBe(1);
    const [master = 0] = await childrenOf(await processOne(server));
    process.kill(master, "SIGKILL");
    expect(await server.exited).toEqual({ code: 137, signal: null });
  });

  test("started with the command itself it reaps orphans", async () => {
    const server = await start([TSGATE]);
    const target = await server.target();
    for (let orphan = 0; orphan < 3; orphan++)
      expect((await requestOnce(target, { path: "/orphan" })).outcome).toBe("ok");
    await expect.poll(() => zombiesOf(server)).toEqual([]);
    expect((await requestOnce(target)).outcome).toBe("ok");
  });

  test("started with node it cannot, and names the flag that does", async () => {
    const server = await start([process.execPath, "--", TSGATE]);
    expect((await requestOnce(await server.target(), { path: "/orphan" })).outcome).toBe("ok");
    expect(await zombiesOf(server)).toEqual(["sleep"]);
    const record = await server.waitForRecord("orphans are not reaped by process 1", { timeoutMs: 25_000 });
    expect(record).toMatchObject({ level: 40, zombies: 1, hint: expect.stringContaining("--init") });
  });
});

async function start(command: readonly string[]): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": ORPHANING });
  const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "200ms", "app.mjs"];
  const server = startAsProcessOne(args, { cwd: project.dir, command });
  await server.waitForReady(1);
  return server;
}
