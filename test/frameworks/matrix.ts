/**
 * One list of checks for every framework, over the shipped binary with two workers. What comes out is the framework's
 * row in docs/frameworks.md.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandOf } from "../support/examples.ts";
import { assertNothingLost, startLightTraffic } from "../support/traffic.ts";
import { Tsgate } from "../support/tsgate.ts";
import type { Framework } from "./frameworks.ts";
import { isWritten, linkTo, rowsOfPage, writeRow } from "./page.ts";
import { get, open, upload } from "./requests.ts";
import { closeCode, connect, connectSocketIo, echo } from "./web-sockets.ts";

/** Where a framework is run, and where its packages are installed. */
export interface Place {
  readonly cwd: string;
  readonly packages: string;
}

interface Run {
  readonly framework: Framework;
  readonly server: Tsgate;
  readonly url: string;
  readonly cwd: string;
}

/** Resolves when the reload is done, which begins when every check that shares it has asked for it. */
type Reload = () => Promise<void>;

const GRACEFUL_MS = 1500;
const LINGER_MS = 300;
/** Enough for a large framework to boot beside the traffic on a slow machine. */
const PATIENCE = { timeoutMs: 45_000 };
const UPLOAD_BYTES = 50 * 1024 * 1024;

/** Checks throw, or say what stands in their cell. */
const CHECKS: Readonly<Record<string, (run: Run) => Promise<string | void>>> = {
  Hello: hello,
  Stream: stream,
  "50 MB upload": fiftyMegabytes,
  File: file,
  Error: thrownError,
};

/** Checks of one reload that they share: one takes two seconds at least. */
const RELOAD_CHECKS: Readonly<Record<string, (run: Run, reload: Reload) => Promise<string | void>>> = {
  "Endless reply": endlessReply,
  WebSocket: webSocket,
  "Reload under load": reloadUnderLoad,
};

/** The last check: it stops the server. */
const LAST = "Own life";

const HEAD = ["Framework", "Version", "Kind", ...Object.keys(CHECKS), ...Object.keys(RELOAD_CHECKS), LAST];

/** The tests of one framework, which is installed and built. */
export function describeFramework(framework: Framework, { cwd, packages }: Place): void {
  describe(framework.name, () => {
    let run: Run;
    const row = new Map<string, string>();

    beforeAll(async () => {
      const command = commandOf(`frameworks/${framework.folder}`);
      const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", `${LINGER_MS}ms`];
      const args = [...own, "--graceful-timeout", `${GRACEFUL_MS}ms`, ...(framework.args ?? [])];
      const server = new Tsgate([...withoutWorkers(command.args), ...args], { cwd });
      run = { framework, server, url: "", cwd };
      await server.waitForReady(2, PATIENCE);
      run = { ...run, url: await server.url() };
      row.set("Framework", linkTo(framework.folder));
      row.set("Version", versionOf(framework, packages));
      row.set("Kind", `\`${String(server.log.all("application found")[0]?.["interface"])}\``);
    });

    afterAll(() => run.server.cleanup());

    const check = async (name: string, outcome: Promise<string | void>): Promise<void> => {
      row.set(name, "✗");
      row.set(name, (await outcome) ?? "✓");
    };

    test.each(Object.entries(CHECKS))("%s", (name, of) => check(name, of(run)));

    let reloaded: Map<string, Promise<string | void>> | undefined;
    test.each(Object.keys(RELOAD_CHECKS))("%s", async (name) => {
      reloaded ??= acrossOneReload(run);
      await Promise.allSettled(reloaded.values());
      await check(name, reloaded.get(name) ?? Promise.reject(new Error("not run")));
    });

    test(LAST, () => check(LAST, ownLife(run)));

    test("its row in docs/frameworks.md is what came out (npm run docs:frameworks writes it)", async () => {
      const cells = HEAD.map((name) => row.get(name) ?? "not run");
      if (isWritten) await writeRow(HEAD, cells);
      else expect(rowsOfPage().find(([first]) => first === cells[0])).toEqual(cells);
    });
  });
}

async function hello({ framework, server, url }: Run): Promise<void> {
  const { status, body } = await get(`${url}/`);
  expect(status).toBe(200);
  expect(body).toContain(`Hello from ${framework.name} in worker `);
  // What `startup` did before the worker was ready.
  expect(body).toContain("open: true");
  expect(server.workerPids()).toContain(pidIn(body));
  expect(server.log.all("application found")).toMatchObject([{ interface: framework.interface }]);
}

async function stream({ url }: Run): Promise<void> {
  const reply = await open(`${url}/stream`);
  expect(reply.text()).toMatch(/^1\n/);
  expect(reply.text()).not.toContain("5");
  expect(await reply.over).toMatchObject({ isWhole: true });
  expect(reply.text()).toBe("1\n2\n3\n4\n5\n");
}

async function fiftyMegabytes({ url }: Run): Promise<void> {
  expect(await upload(`${url}/upload`, UPLOAD_BYTES)).toEqual({ status: 200, body: `${UPLOAD_BYTES} bytes\n` });
}

async function file({ url, framework, cwd }: Run): Promise<void> {
  const folder = framework.isHeavy === true ? cwd : path.join(cwd, "docs/examples/frameworks", framework.folder);
  expect(await get(`${url}/file`)).toEqual({ status: 200, body: readFileSync(path.join(folder, "file.txt"), "utf8") });
}

/** One request fails, its cause can be read, and the worker goes on. */
async function thrownError({ server, url }: Run): Promise<void> {
  const workers = server.workerPids();
  expect((await get(`${url}/error`)).status).toBe(500);
  await server.waitForOutput(/thrown on purpose/);
  expect((await get(`${url}/`)).status).toBe(200);
  expect(server.workerPids()).toEqual(workers);
}

/** Starts the checks of a reload side by side; a check that fails before it has asked for the reload holds nobody up. */
function acrossOneReload(run: Run): Map<string, Promise<string | void>> {
  const checks = Object.entries(RELOAD_CHECKS);
  const waiting = new Set(checks.map(([name]) => name));
  let allAsked = (): void => {};
  const asked = (name: string): void => {
    waiting.delete(name);
    if (waiting.size === 0) allAsked();
  };
  const done = new Promise<void>((resolve) => (allAsked = resolve)).then(() => reload(run.server));
  done.catch(() => {}); // Whoever has asked for it is told.
  const start = ([name, check]: (typeof checks)[number]): [string, Promise<string | void>] => {
    const ask = (): Promise<void> => {
      asked(name);
      return done;
    };
    return [name, check(run, ask).finally(() => asked(name))];
  };
  return new Map(checks.map((entry) => start(entry)));
}

/** It goes on beside the new generation, and ends when the drain's time is over. */
async function endlessReply({ server, url }: Run, reload: Reload): Promise<void> {
  const reply = await open(`${url}/forever`);
  const pid = pidIn(reply.text());
  const reloaded = reload();
  await servedByNewGeneration(server, url);
  await reply.more();
  const draining = await server.waitForRecord({ msg: "worker draining", pid }, PATIENCE);
  await reply.more();
  const { isWhole, at } = await reply.over;
  expect(isWhole).toBe(false);
  expect(at - draining.time).toBeGreaterThan(GRACEFUL_MS - 100);
  expect(pidsIn(reply.text(), /^worker (\d+)$/gm)).toEqual(new Set([pid]));
  await reloaded;
}

async function webSocket({ framework, server, url }: Run, reload: Reload): Promise<string | void> {
  switch (framework.webSocket) {
    case "ws":
      return closedAsGoingAway(`${url.replace("http:", "ws:")}/ws`, reload);
    case "Socket.IO":
      return reconnected(server, url, reload);
    case undefined:
      return "–";
  }
}

async function closedAsGoingAway(url: string, reload: Reload): Promise<void> {
  const socket = await connect(url);
  expect(await echo(socket, "hello")).toBe("hello");
  const closed = closeCode(socket);
  await reload();
  expect(await closed).toBe(1001);
  const next = await connect(url);
  expect(await echo(next, "hello again")).toBe("hello again");
}

/** The client comes back by itself, to a worker of the new generation. */
async function reconnected(server: Tsgate, url: string, reload: Reload): Promise<void> {
  const client = await connectSocketIo(url);
  const before = await client.echo("hello");
  expect(before).toMatchObject({ message: "hello" });
  await reload();
  const after = await client.echo("hello again");
  expect(after).toMatchObject({ message: "hello again" });
  expect(server.workerPids()).toContain(after.worker);
  expect(server.workerPids()).not.toContain(before.worker);
  expect(new Set(client.ends)).toEqual(new Set(["transport close"]));
}

async function reloadUnderLoad({ server }: Run, reload: Reload): Promise<string> {
  const traffic = await startLightTraffic(await server.target(), LINGER_MS);
  await reload();
  const { ok } = (await traffic.snapshot()).outcomes;
  await traffic.until(({ outcomes }) => outcomes.ok > ok + 100);
  assertNothingLost(await traffic.stop());
  return "0 failed";
}

/** `startup` of every worker, `health` of those that lived for a heartbeat, `shutdown` of all that left in good order. */
async function ownLife({ server }: Run): Promise<void> {
  await server.waitForOutput(/has started/);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  const ready = pidsOf(server, "worker ready");
  const left = server.log.all(({ msg, code }) => msg === "worker gone" && code === 0).map(({ pid }) => pid);
  expect(pidsIn(server.stdout, /^worker (\d+) has started$/gm)).toEqual(new Set(ready));
  expect(left.length).toBeGreaterThan(0);
  const ended = [...server.stdout.matchAll(/^worker (\d+) was asked (\d+) times for its health and has shut down$/gm)];
  expect(ended.map(([, pid]) => Number(pid))).toEqual(expect.arrayContaining(left));
  expect(ended.some(([, , times]) => Number(times) > 0)).toBe(true);
}

/** Reloads, and resolves when no worker of the old generation is left. */
async function reload(server: Tsgate): Promise<void> {
  const from = server.log.length;
  server.signal("SIGHUP");
  await server.waitForRecord("reload done", { from, ...PATIENCE });
}

/** Resolves with the first reply of a worker that a reload has brought. */
async function servedByNewGeneration(server: Tsgate, url: string): Promise<void> {
  const { generation } = await server.waitForRecord("reload started", PATIENCE);
  await server.waitForRecord({ msg: "worker ready", generation }, PATIENCE);
  for (;;) {
    const pid = pidIn((await get(`${url}/`)).body);
    if (server.log.all({ msg: "worker ready", pid, generation }).length > 0) return;
  }
}

function pidsOf(server: Tsgate, msg: string): (number | undefined)[] {
  return server.log.all(msg).map(({ pid }) => pid);
}

function pidsIn(text: string, pattern: RegExp): Set<number> {
  return new Set([...text.matchAll(pattern)].map(([, pid]) => Number(pid)));
}

/** The pid that a reply names; throws when it names none. */
function pidIn(text: string): number {
  const [, pid] = /worker (\d+)/.exec(text) ?? [];
  if (pid === undefined) throw new Error(`no worker is named in: ${text}`);
  return Number(pid);
}

function withoutWorkers(args: readonly string[]): string[] {
  return args.filter((arg, index) => arg !== "--workers" && args[index - 1] !== "--workers");
}

function versionOf({ packageName }: Framework, packages: string): string {
  if (packageName === undefined) return "–";
  const text = readFileSync(path.join(packages, "node_modules", packageName, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
