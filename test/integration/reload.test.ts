/** SIGHUP on the shipped binary: new code and configuration are served, and no request is lost on the way. */

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import { connectRaw } from "../support/raw-client.ts";
import { fewestReady } from "../support/pool-counts.ts";
import { LINGER_MS, expectNeverFewerNorTooMany, reload, startServer, versionServedBy } from "../support/reloading.ts";
import { assertNothingLost, requestOnce, startLightTraffic } from "../support/traffic.ts";
import type { Tsgate } from "../support/tsgate.ts";

describe("reloads under traffic", () => {
  test("five in a row end with the newest, and each before it is given up", async () => {
    const { server, project } = await startServer(application("node", "one"));
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    for (const generation of [2, 3, 4, 5, 6]) {
      await project.write("app.mjs", application("node", `of generation ${generation}`));
      server.signal("SIGHUP");
      await server.waitForRecord({ msg: "reload started", generation });
    }
    await server.waitForRecord("reload done");
    assertNothingLost(await traffic.stop());
    await expectSettledOn(server, 6);
    expect(server.log.all("reload done")).toHaveLength(1);
    expectNeverFewerNorTooMany(server, 2);
  });

  test("five signals at once are one reload or few, and the newest is served", async () => {
    const { server, project } = await startServer(application("node", "one"));
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await project.write("app.mjs", application("node", "two"));
    for (let count = 0; count < 5; count++) server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    assertNothingLost(await traffic.stop());
    const started = server.log.all("reload started");
    await expectSettledOn(server, Number(started.at(-1)?.generation));
    expect(server.log.all("reload done")).toHaveLength(1);
    expect(await versionServedBy(server)).toBe("two");
  });

  test("one that begins while another replaces its workers takes over", async () => {
    const { server, project } = await startServer(application("node", "one"));
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    await project.write("app.mjs", application("node", "two"));
    server.signal("SIGHUP");
    await server.waitForRecord({ msg: "worker draining", why: "reload", generation: 1 });
    await project.write("app.mjs", application("node", "three"));
    await reload(server, 3);
    assertNothingLost(await traffic.stop());
    await expectSettledOn(server, 3);
    expect(server.log.all("reload done").map(({ generation }) => generation)).toEqual([3]);
    expect(await versionServedBy(server)).toBe("three");
    expectNeverFewerNorTooMany(server, 2);
  });
});

describe("a stop during a reload is obeyed at once", () => {
  test.each([
    ["the canary boots", { msg: "worker spawned", generation: 2 }],
    ["the canary is watched", { msg: "worker ready", generation: 2 }],
    ["old workers drain", { msg: "worker draining", why: "reload" }],
  ])("while %s", async (_, record) => {
    const { server } = await startServer(application("node", "one"), ["--linger", "100ms"]);
    server.signal("SIGHUP");
    await server.waitForRecord(record);
    const client = await connectRaw(await server.target());
    client.get("/stream?300");
    await client.received(/begun/);
    server.signal("SIGTERM");
    await client.received(/ one\r\n0\r\n/);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    const messages = server.records.map(({ msg }) => msg);
    const after = messages.slice(messages.indexOf("server stopping"));
    expect(after).toContain("server stopped");
    expect(after.filter((msg) => msg === "worker spawned" || msg.startsWith("reload"))).toEqual([]);
  });
});

describe("a reload reads afresh", () => {
  test("the configuration and the environment file; what needs a restart is named and stays", async () => {
    const config = { workers: 2, bind: "127.0.0.1:0", linger: "100ms", envFile: "variables", pid: "first.pid" };
    const { server, project } = await startServer("", [], {
      "app.mjs": "export default (request, response) => response.end(process.env.GREETING);\n",
      "tsgate.config.json": JSON.stringify(config),
      variables: "GREETING=hello\n",
    });
    const target = await server.target();
    expect(await bodyServedBy(server)).toBe("hello");
    await project.write("variables", "GREETING=good day\n");
    const changed = { ...config, workers: 3, bind: "127.0.0.1:1", pid: "second.pid" };
    await project.write("tsgate.config.json", JSON.stringify(changed));
    server.signal("SIGHUP");
    const started = await server.waitForRecord("reload started");
    expect(started.needsRestart).toEqual(expect.arrayContaining(["bind", "pid"]));
    expect(started.needsRestart).toHaveLength(2);
    await server.waitForRecord("reload done");
    expect((await requestOnce(target)).reply?.body.toString()).toBe("good day");
    expect(server.log.all("workers changed")).toMatchObject([{ target: 3 }]);
    expect(server.workerPids()).toHaveLength(3);
    expect([existsSync(project.path("first.pid")), existsSync(project.path("second.pid"))]).toEqual([true, false]);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(existsSync(project.path("first.pid"))).toBe(false);
  });

  test("the number of workers, which stays as it was scaled to until the configured one changes", async () => {
    const config = { workers: 2, bind: "127.0.0.1:0", linger: "100ms" };
    const files = { "tsgate.config.json": JSON.stringify(config) };
    const { server, project } = await startServer(application("node", "one"), [], files);
    const traffic = await startLightTraffic(await server.target(), LINGER_MS);
    server.signal("SIGTTIN");
    await server.waitForReady(3);
    const from = server.log.length;
    await reload(server, 2);
    expect(server.workerPids()).toHaveLength(3);
    expect(fewestReady(server.records, from)).toBe(3);
    await project.write("tsgate.config.json", JSON.stringify({ ...config, workers: 1 }));
    await reload(server, 3);
    assertNothingLost(await traffic.stop());
    expect(server.log.all("workers changed").map(({ target }) => target)).toEqual([3, 1]);
    expect(server.workerPids()).toHaveLength(1);
  });
});

async function bodyServedBy(server: Tsgate): Promise<string | undefined> {
  return (await requestOnce(await server.target())).reply?.body.toString();
}

/** Two workers of `generation` are there, and no other process. */
async function expectSettledOn(server: Tsgate, generation: number): Promise<void> {
  expect(await server.processes()).toHaveLength(3);
  const pids = server.workerPids();
  const ofThese = server.log.all(({ msg, pid }) => msg === "worker ready" && pids.includes(pid ?? 0));
  expect(ofThese.map((record) => record.generation)).toEqual([generation, generation]);
}
