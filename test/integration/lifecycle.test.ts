/** The application's own life: what of it is called, when, and what it can and cannot hold up. */

import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const PREFIX = `
const say = (what) => console.log(what);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let finish;
export default async (request, response) => {
  if (request.url === "/slow") {
    say("slow begun");
    await new Promise((resolve) => (finish = resolve));
  }
  response.end(String(process.pid), () => say("answered " + request.url));
};
`;

test("startup, then ready; at a drain beforeDrain, the last reply, shutdown, and only then its own SIGTERM listeners", async () => {
  const server = await start(`${PREFIX}
    export const startup = async () => { say("startup"); await pause(50); say("started"); };
    export const beforeDrain = async () => { say("beforeDrain"); await pause(50); say("before drain over"); finish(); };
    export const shutdown = async () => { say("shutdown"); await pause(50); say("shut down"); };
    process.on("message", (message) => say("message " + message));
    process.on("SIGTERM", () => { say("own SIGTERM"); process.exit(0); });
  `);
  await server.waitForReady(1);
  await server.waitForOutput(/^started$/m);
  expect(said(server)).toEqual(["startup", "started"]);
  const slow = requestOnce(await server.target(), { path: "/slow" });
  await server.waitForOutput(/^slow begun$/m);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const { reply } = await slow;
  expect(reply?.status).toBe(200);
  expect(reply?.headers.get("connection")).toBe("close");
  expect(said(server).slice(2)).toEqual([
    "slow begun",
    "message shutdown",
    "beforeDrain",
    "before drain over",
    "answered /slow",
    "shutdown",
    "shut down",
    "own SIGTERM",
  ]);
});

test("an application's own SIGTERM listeners do not run when a worker is told to leave by a signal, until it has drained", async () => {
  const server = await start(`${PREFIX}
    process.on("SIGTERM", () => { say("own SIGTERM"); process.exit(0); });
    process.on("message", (message) => { if (message === "shutdown") setTimeout(() => finish(), 100); });
  `);
  await server.waitForReady(1);
  const [worker = 0] = server.workerPids();
  const slow = requestOnce(await server.target(), { path: "/slow" });
  await server.waitForOutput(/^slow begun$/m);
  process.kill(worker, "SIGTERM");
  expect((await slow).reply?.body.toString()).toBe(String(worker));
  await server.waitForRecord({ msg: "worker gone", pid: worker });
  expect(said(server)).toEqual(["slow begun", "answered /slow", "own SIGTERM"]);
  const [next] = server.workerPids();
  expect(await ask(await server.target())).toBe(String(next));
  expect((await server.stop()).code).toBe(0);
});

test("a beforeDrain or shutdown that throws is logged with its name and holds nothing up", async () => {
  const server = await start(`${PREFIX}
    export const beforeDrain = () => { throw new Error("no register"); };
    export const shutdown = async () => { throw new Error("no pool"); };
  `);
  await server.waitForReady(1);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.log.all("application error")).toMatchObject([
    { function: "beforeDrain", message: "no register", role: "worker", slot: 0 },
    { function: "shutdown", message: "no pool", role: "worker", slot: 0 },
  ]);
});

test("a shutdown that never settles is left behind at the deadline", async () => {
  const code = `${PREFIX}\nexport const shutdown = () => new Promise(() => setInterval(() => {}, 1000));\n`;
  const server = await start(code, ["--graceful-timeout", "500ms"]);
  await server.waitForReady(1);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.log.all("application is late")).toMatchObject([{ function: "shutdown", slot: 0 }]);
});

test("a stop while a reload still reads the configuration ends as any other", async () => {
  const project = await tempProject({
    "app.mjs": PREFIX,
    "tsgate.config.mjs": `
      import fs from "node:fs";
      if (fs.existsSync("late")) { console.log("reading"); await new Promise(() => {}); }
      export default { app: "app.mjs", workers: 1, bind: "127.0.0.1:0", linger: "200ms" };
    `,
  });
  const server = startTsgate([], { cwd: project.dir });
  await server.waitForReady(1);
  await project.write("late", "");
  server.signal("SIGHUP");
  await server.waitForOutput(/^reading$/m);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test("health is asked with the heartbeats, and a worker that is healthy is left alone", async () => {
  const code = `${PREFIX}\nlet asked = 0;\nexport const health = async () => { say("asked " + ++asked); return true; };\n`;
  const server = await start(code, ["--timeout", "2s"]);
  await server.waitForOutput(/^asked 4$/m);
  expect(server.log.all("worker draining")).toEqual([]);
  expect(server.log.all("worker gone")).toEqual([]);
  expect((await server.stop()).code).toBe(0);
});

test("with --wait-ready a worker is ready when it says so and not before", async () => {
  const code = `${PREFIX}\nsetTimeout(() => { say("saying it"); process.send("ready"); }, 200);\n`;
  const server = await start(code, ["--wait-ready"]);
  const { bootMs } = await server.waitForReady(1);
  expect(bootMs).toBeGreaterThanOrEqual(190);
  await server.waitForOutput(/saying it/);
  expect(said(server)).toEqual(["saying it"]);
  expect((await server.stop()).code).toBe(0);
});

test("what the application writes last is written whole, though more than a pipe holds", async () => {
  const server = await start(`${PREFIX}
    export const shutdown = () => void process.stdout.write("x".repeat(1_000_000) + "last\\n");
  `);
  await server.waitForReady(1);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.stdout.length).toBe(1_000_005);
  expect(server.stdout.endsWith("xlast\n")).toBe(true);
});

/** One worker; what the application says on its standard output is in the order in which it said it. */
async function start(code: string, flags: readonly string[] = []): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  return startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "100ms", ...flags, "app.mjs"], {
    cwd: project.dir,
  });
}

/** The lines that the application has written. */
function said(server: Tsgate): string[] {
  return server.stdout.split("\n").filter((line) => line !== "");
}
