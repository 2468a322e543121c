/** A process that has no descriptors left, on the shipped command: it says so once, goes on serving, and recovers. */

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const LIMIT = 64;
/** Of util-linux. */
const PRLIMIT = "prlimit";
const REACHED = "descriptor limit reached";
const RECOVERED = "descriptors available again";

/** `/file` reads a file, `/take` opens all that can be opened, `/give` closes that. */
const APP = `import fs from "node:fs";
  const taken = [];
  export default (request, response) => {
    if (request.url === "/file") return void fs.readFile("app.mjs", (error) => response.end(error?.code ?? "read"));
    if (request.url === "/take") try { for (;;) taken.push(fs.openSync("app.mjs")); } catch {}
    if (request.url === "/give") for (const fd of taken.splice(0)) fs.closeSync(fd);
    response.end("served");
  };\n`;

async function start(code: string): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  // Both limits: Node raises its own up to the hard one.
  const wrapper = ["sh", "-c", `ulimit -n ${LIMIT}; exec "$@"`, "sh"];
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir, wrapper });
  await server.waitForReady(1);
  return server;
}

/** Connects `count` times; resolves with those that the server has kept, once the log has told of the others. */
async function fill(server: Tsgate, count: number, nth: number): Promise<RawClient[]> {
  const target = await server.target();
  const clients = await Promise.all(Array.from({ length: count }, () => connectRaw(target)));
  const { connections } = await server.waitForRecord(REACHED, { nth });
  const kept = (): RawClient[] => clients.filter(({ end }) => end === undefined);
  // The log tells as soon as the first has been turned away.
  await expect.poll(() => kept().length).toBe(connections);
  return kept();
}

async function askOn(client: RawClient | undefined, path: string): Promise<string | undefined> {
  const replies = (client?.statuses.length ?? 0) + 1;
  client?.get(path);
  await client?.received(new RegExp(`(?:HTTP/1.1 200 [^]*){${replies}}\\r\\n\\r\\n\\w+$`));
  return client?.text.split("\r\n\r\n").at(-1);
}

const SERVER = `import http from "node:http";\n${APP.replace("export default", "const listener =")}
  http.createServer(listener).listen(3000);\n`;

test.each([
  ["an application", APP],
  ["a program's own server", SERVER],
])(
  "more connections than there are descriptors: said once, %s goes on serving, and again when it has recovered",
  async (_, code) => {
    const server = await start(code);
    const held = await fill(server, 100, 1);
    expect(held.length).toBeGreaterThan(5);
    expect(held.length).toBeLessThan(LIMIT - 16);
    expect(server.log.all(REACHED)).toMatchObject([{ level: 40, limit: LIMIT, connections: held.length }]);
    // There is room for what the application itself has to open.
    for (const client of held.slice(0, 3)) expect(await askOn(client, "/file")).toBe("read");
    const more = await Promise.all(held.slice(0, 10).map(async () => connectRaw(await server.target())));
    await Promise.all(more.map((client) => client.ended()));
    for (const { socket } of held) socket.destroy();
    expect(await server.waitForRecord(RECOVERED)).toMatchObject({ limit: LIMIT, turnedAway: 100 - held.length + 10 });
    expect(await ask(await server.target())).toBe("served");
    expect(server.log.all(REACHED)).toHaveLength(1);
    for (const { socket } of await fill(server, 100, 2)) socket.destroy();
    await server.waitForRecord(RECOVERED, { nth: 2 });
    expect(await ask(await server.target())).toBe("served");
  },
);

test("an application that holds all descriptors: said once, those who are connected are served, and recovered", async () => {
  const server = await start(APP);
  const client = await connectRaw(await server.target());
  expect(await askOn(client, "/take")).toBe("served");
  await server.waitForRecord(REACHED);
  expect(await askOn(client, "/")).toBe("served");
  expect(await askOn(client, "/give")).toBe("served");
  await server.waitForRecord(RECOVERED);
  expect(await ask(await server.target())).toBe("served");
  expect(server.log.all(REACHED)).toHaveLength(1);
});

test("a master without descriptors cannot fork: said, the other workers serve, and it recovers", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const args = ["--workers", "2", "--bind", "127.0.0.1:0", "app.mjs"];
  const server = startTsgate(args, { cwd: project.dir });
  await server.waitForReady(2);
  const limitMaster = (soft: number): void => {
    execFileSync(PRLIMIT, ["--pid", String(server.pid), `--nofile=${soft}:`]);
  };
  limitMaster(readdirSync(`/proc/${server.pid}/fd`).length);
  const [victim = 0] = server.workerPids();
  process.kill(victim, "SIGKILL");
  const { error } = await server.waitForRecord(({ error }) => /could not be started/.test(String(error)));
  expect(error).toMatch(/^a worker's process could not be started: .*EMFILE/);
  expect(await ask(await server.target())).toBe("served");
  limitMaster(20_000);
  await server.waitForRecord("worker ready", { nth: 3 });
  expect(server.workerPids()).toHaveLength(2);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});
