/**
 * Descriptors of quiet processes: a master has as many as after its start, but for two a worker; a worker has as many as
 * when it was first quiet, but for its clients' connections and a spare copy of each listening socket, and keeps no
 * connection that a client has closed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { descriptorsOf, inodeOf, systemTables } from "../../support/traffic/held-connections.mjs";
import { Violation } from "../violation.ts";

/** Descriptors are closed a moment after what they were for is over. */
const SETTLED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 50;

/** What the descriptors of some processes are, without clients' connections. */
type Others = ReadonlyMap<number, readonly string[]>;

export class Descriptors {
  #master: readonly string[] | undefined;
  readonly #workers = new Map<number, readonly string[]>();
  #halfClosed: ReadonlySet<string> = new Set();

  /** Notes what is there at the first quiet moment, and compares with it at the others. */
  async compare(master: number, workers: readonly number[]): Promise<void> {
    const unknown = workers.filter((pid) => !this.#workers.has(pid));
    const first = look([master, ...unknown]).others;
    // The channel, and the pipe for a worker whose event loop is blocked.
    const channels = workers.flatMap(() => ["socket", "socket"]);
    this.#master ??= without(first.get(master) ?? [], channels);
    for (const pid of unknown) this.#workers.set(pid, first.get(pid) ?? []);
    const expected = new Map(workers.map((pid) => [pid, this.#workers.get(pid) ?? []]));
    expected.set(master, [...this.#master, ...channels]);
    this.#compareHalfClosed(await same(expected, master));
  }

  /** What was closed by its client one quiet moment ago has been closed here too by now. */
  #compareHalfClosed(now: readonly string[]): void {
    const kept = now.filter((inode) => this.#halfClosed.has(inode));
    if (kept.length > 0)
      throw new Violation("descriptor", `workers keep ${kept.length} connections that their clients closed long ago`);
    this.#halfClosed = new Set(now);
  }
}

/** Looks until everything is as expected; returns the connections that only their clients have closed. */
async function same(expected: Others, master: number): Promise<readonly string[]> {
  const endsAt = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const { others, halfClosed } = look([...expected.keys()]);
    const differences = [...others].flatMap(([pid, found]) => {
      const before = expected.get(pid) ?? [];
      const changes = [
        ...without(found, before).map((link) => `+ ${link}`),
        ...without(before, found).map((link) => `- ${link}`),
      ];
      const whose = pid === master ? "the master" : `worker ${pid}`;
      return changes.length === 0 ? [] : [`${whose} has other descriptors than before: ${changes.join(", ")}`];
    });
    if (differences.length === 0) return halfClosed;
    if (performance.now() > endsAt) throw new Violation("descriptor", differences.join("; "));
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * The processes run on meanwhile: what was there before the tables were read and still is when they have been, and is in
 * none of them, is no client's connection.
 */
function look(pids: readonly number[]): { others: Others; halfClosed: readonly string[] } {
  const before = new Map(pids.map((pid) => [pid, new Set(descriptorsOf(pid))]));
  const { tcp, unix } = systemTables();
  const halfClosed: string[] = [];
  const others = new Map<number, readonly string[]>();
  for (const pid of pids) {
    const lasting = descriptorsOf(pid).filter((link) => before.get(pid)?.has(link) === true);
    halfClosed.push(...lasting.map((link) => inodeOf(link)).filter((inode) => tcp.get(inode)?.isHalfClosed === true));
    const isConnection = (link: string): boolean => tcp.has(inodeOf(link)) || unix.has(inodeOf(link));
    const kept = withoutSpares(lasting.filter((link) => !isConnection(link)));
    // The numbers of sockets and pipes change with what they are.
    others.set(
      pid,
      kept.map((link) => link.replace(/^(socket|pipe):.*$/, "$1")),
    );
  }
  return { others, halfClosed };
}

/** Without the second copy of a socket, which a worker has or not, as it has just paused or goes on; a third is one too many. */
function withoutSpares(links: readonly string[]): string[] {
  const copies = new Map<string, number>();
  return links.filter((link) => {
    const count = (copies.get(link) ?? 0) + 1;
    copies.set(link, count);
    return count !== 2 || !link.startsWith("socket:");
  });
}

/** `links` without one of each of `others`. */
function without(links: readonly string[], others: readonly string[]): string[] {
  const left = [...links];
  for (const other of others) {
    const place = left.indexOf(other);
    if (place >= 0) left.splice(place, 1);
  }
  return left;
}
