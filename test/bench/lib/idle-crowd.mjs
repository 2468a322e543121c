/**
 * Thousands of clients that have asked once and keep their connections, in a process of their own. Run as a script it is
 * that process: it tells when all have been answered, asks again on each when it is told to, and says what was closed.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Counts
 * @property {number} answered of the last time that all were asked
 * @property {number} closed by the server, ever
 * @property {Record<string, number>} byPid how many each worker answered the last time
 */

const FILE = fileURLToPath(import.meta.url);
const AT_ONCE = 100;
const REPLY_MS = 30_000;
const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/**
 * Resolves when each connection has been answered once.
 * @param {{ port: number, count: number }} options
 */
export async function startIdleCrowd(options) {
  const child = fork(FILE, [], { execArgv: [], env: {} });
  /** @param {unknown} message @returns {Promise<Counts>} */
  const tell = async (message) => {
    child.send(/** @type {object} */ (message));
    const [counts] = await Promise.race([once(child, "message"), once(child, "exit").then(() => [undefined])]);
    if (counts === undefined) throw new Error("the process of the idle clients has ended");
    return counts;
  };
  const opened = await tell(options);
  return {
    opened,
    /** Asks on every connection that is left. */
    ask: () => tell("ask"),
    /** Ends all at once. */
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** @type {Counts} */
const counts = { answered: 0, closed: 0, byPid: {} };
/** @type {Set<net.Socket>} */
const open = new Set();

/** @param {number} port */
async function connect(port) {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  socket.on("close", () => {
    if (open.delete(socket)) counts.closed += 1;
  });
  open.add(socket);
  await ask(socket);
}

/** @param {net.Socket} socket */
async function ask(socket) {
  let text = "";
  /** @param {Buffer} data */
  const read = (data) => (text += data.toString("latin1"));
  socket.on("data", read);
  socket.write(REQUEST);
  const signal = AbortSignal.timeout(REPLY_MS);
  try {
    while (!text.endsWith("world\n")) await once(socket, "data", { signal });
    counts.answered += 1;
    const pid = /^x-worker-pid: (\d+)/im.exec(text)?.[1] ?? "unknown";
    counts.byPid[pid] = (counts.byPid[pid] ?? 0) + 1;
  } catch {
    // It is not counted as answered.
  }
  socket.off("data", read);
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function inTurn(items, work) {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** @param {"ask" | { port: number, count: number }} message */
async function obey(message) {
  counts.answered = 0;
  counts.byPid = {};
  if (message === "ask") await inTurn([...open], ask);
  else
    await inTurn(
      Array.from({ length: message.count }, () => message.port),
      connect,
    );
  process.send?.(counts);
}

if (process.argv[1] === FILE) {
  process.on("message", (/** @type {Parameters<typeof obey>[0]} */ message) => void obey(message));
  process.on("disconnect", () => process.exit());
}
