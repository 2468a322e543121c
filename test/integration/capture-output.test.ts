/** What an application writes to its standard streams, as records: all of it, whatever ends its process. */

import { describe, expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { isAlive } from "../support/process-tree.ts";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { LogRecord, Tsgate } from "../support/tsgate.ts";

const APP = `
import { spawn } from "node:child_process";
console.log("loaded");
const routes = {
  "/says": (q, response) => { console.log("to stdout\\nin two lines"); console.error("to stderr"); response.end("said"); },
  "/abort": () => { console.log("the last line"); process.stdout.write("and its beginning"); process.abort(); },
  "/exit": () => { for (let i = 0; i < 5000; i++) console.log("line", i); process.once("exit", () => console.error("and at the end")); process.exit(7); },
  "/kill": () => { console.error("before the kill"); process.kill(process.pid, "SIGKILL"); },
  "/heap": () => { console.log("filling the heap"); const all = []; for (;;) all.push(new Array(100_000).fill(all.length)); },
  "/many": (q, response) => { for (let i = 0; i < Number(q); i++) process.stdout.write("many " + i + "\\n"); response.end("written"); },
  "/long": (q, response) => { process.stdout.write("x".repeat(40_000) + "\\nshort\\n"); response.end("written"); },
  "/bytes": (q, response) => { process.stdout.write(Buffer.from([0x61, 0x00, 0xff, 0x0a])); response.end("written"); },
  "/child": (q, response) => { const child = spawn("sleep", ["60"], { stdio: ["ignore", "inherit", "inherit"], detached: true }); response.end(String(child.pid)); },
  "/late": (q, response) => { const timer = setInterval(() => { console.log("still here"); process.stdout.write("written\\n"); process.stderr.write("written\\n"); }, 20); setTimeout(() => { clearInterval(timer); response.end("late"); }, Number(q)); },
};
export default (request, response) => {
  const [path, query] = request.url.split("?");
  if (path in routes) return routes[path](query, response);
  response.end("hello");
};
`;

test("each line is a record of its worker, and nothing is written beside the log", async () => {
  const { server } = await start();
  expect(await ask(await server.target(), "/says")).toBe("said");
  await server.waitForRecord({ msg: "application output", text: "to stderr" });
  const [pid] = server.workerPids();
  const common = { role: "worker", slot: 0, generation: 1, id: 1, pid };
  expect(outputOf(server)).toMatchObject([
    { ...common, level: 30, stream: "stdout", text: "loaded" },
    { ...common, level: 30, stream: "stdout", text: "to stdout" },
    { ...common, level: 30, stream: "stdout", text: "in two lines" },
    { ...common, level: 40, stream: "stderr", text: "to stderr" },
  ]);
  expect((await server.stop()).code).toBe(0);
  expect(server.stdout).toBe("");
  expect(server.log.otherLines).toEqual([]);
});

test("a line may be long, and may be any bytes", async () => {
  const { server } = await start();
  const target = await server.target();
  await ask(target, "/bytes");
  await server.waitForRecord({ msg: "application output", text: "a\0\ufffd" });
  const from = server.log.length;
  await ask(target, "/long");
  await server.waitForRecord({ msg: "application output", text: "short" });
  const parts = outputOf(server, from).slice(0, -1);
  expect(parts.map(({ text, isPart }) => [text.length, isPart])).toEqual([
    [16_384, true],
    [16_384, true],
    [7232, undefined],
  ]);
});

describe("the last lines of a worker are in the log before its end is, when it", () => {
  test.each([
    ["aborts", "/abort", ["the last line", "and its beginning"]],
    ["exits", "/exit", [...Array.from({ length: 5000 }, (_, index) => `line ${index}`), "and at the end"]],
    ["is killed", "/kill", ["before the kill"]],
    ["runs out of memory", "/heap", ["filling the heap", /^FATAL ERROR: .*heap out of memory/]],
  ])("%s", async (_, path, expected) => {
    const { server } = await start(["--node-arg", "--max-old-space-size=40"]);
    const from = server.log.length;
    (await connectRaw(await server.target())).get(path);
    await server.waitForRecord("worker gone");
    const end = server.records.findIndex(({ msg }) => msg === "worker gone");
    const texts = server.records
      .slice(from, end)
      .flatMap(({ msg, text }) => (msg === "application output" ? [text] : []));
    for (const text of expected)
      expect(texts).toContainEqual(typeof text === "string" ? text : expect.stringMatching(text));
    // The slot is filled as ever.
    await server.waitForReady(1, { from: end });
    expect(await ask(await server.target())).toBe("hello");
  });
});

test("a worker that writes without end has all of it in the log, and the master goes on with its work", async () => {
  const { server } = await start(["--workers", "2"]);
  const target = await server.target();
  const count = 30_000;
  const client = await connectRaw(target);
  client.get(`/many?${count}`);
  await server.waitForRecord({ msg: "application output", text: "many 0" });
  // Scaling needs the master: it is not kept from it by what it has to log.
  server.signal("SIGTTIN");
  await server.waitForReady(3);
  await client.received(/written$/);
  await server.waitForRecord({ msg: "application output", text: `many ${count - 1}` });
  const texts = outputOf(server).flatMap(({ text }) => (text.startsWith("many ") ? [text] : []));
  expect(texts).toEqual(Array.from({ length: count }, (_, index) => `many ${index}`));
});

test("what a worker has started and left behind keeps neither its end nor its successor waiting", async () => {
  const { server } = await start();
  const target = await server.target();
  const child = Number(await ask(target, "/child"));
  expect(isAlive(child)).toBe(true);
  const [worker = 0] = server.workerPids();
  process.kill(worker, "SIGKILL");
  await server.waitForReady(1, { from: server.records.findIndex(({ msg }) => msg === "worker gone") + 1 });
  expect(isAlive(child)).toBe(true);
  process.kill(child, "SIGKILL");
});

test("a worker whose master was killed goes on without a reader, and answers what is in flight", async () => {
  const { server } = await start();
  const client = await connectRaw(await server.target());
  client.get("/late?1500");
  await server.waitForRecord({ msg: "application output", text: "still here" });
  server.signal("SIGKILL");
  await server.exited;
  await client.received(/late$/);
  // Left by itself, not killed by what it wrote.
  await expect.poll(async () => server.processes()).toEqual([]);
});

test("the access log on the standard output stays there, and is no output of the application's", async () => {
  const { server } = await start(["--access-logfile", "-", "--access-logformat", "%(r)s"]);
  await ask(await server.target(), "/says");
  expect((await server.stop()).code).toBe(0);
  expect(server.stdout).toBe("GET /says HTTP/1.1\n");
  expect(outputOf(server).map(({ text }) => text)).toEqual(["loaded", "to stdout", "in two lines", "to stderr"]);
});

test("a reload turns it on and off", async () => {
  const config = (isOn: boolean): string =>
    JSON.stringify({ app: "app.mjs", bind: "127.0.0.1:0", workers: 1, linger: "100ms", captureOutput: isOn });
  const project = await tempProject({ "app.mjs": APP, "tsgate.config.json": config(false) });
  const server = startTsgate([], { cwd: project.dir });
  await server.waitForReady(1);
  await server.waitForOutput(/^loaded$/m);
  await project.write("tsgate.config.json", config(true));
  server.signal("SIGHUP");
  await server.waitForRecord({ msg: "application output", text: "loaded", generation: 2 });
  await server.waitForRecord("reload done");
  await project.write("tsgate.config.json", config(false));
  server.signal("SIGHUP");
  await server.waitForRecord("reload done", { nth: 2 });
  expect(server.stdout).toBe("loaded\nloaded\n");
  expect(outputOf(server)).toHaveLength(1);
});

test("without it the application writes where the server does", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  await ask(await server.target(), "/says");
  await server.waitForOutput(/to stderr/);
  expect((await server.stop()).code).toBe(0);
  expect(server.stdout).toBe("loaded\nto stdout\nin two lines\n");
  expect(outputOf(server)).toEqual([]);
});

test("a check of the configuration shows what the application writes", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const server = startTsgate(["--check-config", "--capture-output", "app.mjs"], { cwd: project.dir });
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.stdout).toMatch(/^loaded\nthe configuration is valid/);
});

type OutputRecord = LogRecord & { readonly text: string; readonly isPart?: boolean };

function outputOf(server: Tsgate, from = 0): OutputRecord[] {
  return server.log.all("application output", from) as unknown as OutputRecord[];
}

async function start(args: readonly string[] = []): Promise<{ server: Tsgate }> {
  const project = await tempProject({ "app.mjs": APP });
  const workers = args.includes("--workers") ? [] : ["--workers", "1"];
  const own = ["--bind", "127.0.0.1:0", "--linger", "100ms", "--capture-output", ...workers];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(args.includes("--workers") ? 2 : 1);
  // The first line of each worker comes by another way than its readiness.
  await server.waitForRecord({ msg: "application output", text: "loaded" });
  return { server };
}
