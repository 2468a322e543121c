/**
 * How a server's life ends, with what must follow: what is answered before, how soon it has gone, and its exit code. What
 * an end excuses beyond deaths is decided by `invariants/requests.ts`.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { pick } from "../support/traffic/random.mjs";
import type { Random } from "../support/traffic/random.mjs";
import { goodSource, TIMES } from "./deployments.ts";
import { between } from "./event.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What clients may expect of a server that was told to end. */
export type EndKind = "graceful" | "quick" | "killed";

export interface DrawnEnding {
  readonly name: string;
  readonly kind: EndKind;
  readonly parameters: object;
  /** How long the processes may take to go, from `end` on. */
  readonly boundMs: number;
  /** What comes before the end. */
  readonly prepare: (world: World) => Promise<() => Promise<void>>;
  readonly end: (world: World) => void;
}

interface DrawableEnding {
  readonly name: string;
  readonly weight: number;
  readonly draw: (random: Random) => DrawnEnding;
}

/** For a stop that has nothing to wait for, on a busy machine. */
const STOP_BOUND_MS = 8000;
const ORPHAN_BOUND_MS = 10_000;
/** Until the queue is full and the stop has begun. */
const BLOCK_MS = 1500;
const QUEUED = 50;
const CONNECTED_MS = 100;
const LATEST_STOP_MS = 4000;

export const ENDINGS: readonly DrawableEnding[] = [
  {
    name: "stop",
    weight: 4,
    draw: () => ({
      name: "stop",
      kind: "graceful",
      parameters: {},
      boundMs: TIMES.gracefulTimeout + STOP_BOUND_MS,
      prepare: nothing,
      end: ({ server }) => server.signal("SIGTERM"),
    }),
  },
  {
    name: "stop with a full queue",
    weight: 3,
    draw: () => ({
      name: "stop with a full queue",
      kind: "graceful",
      parameters: {},
      boundMs: TIMES.gracefulTimeout + STOP_BOUND_MS,
      prepare: fillQueues,
      end: ({ server }) => server.signal("SIGTERM"),
    }),
  },
  {
    name: "stop during a reload",
    weight: 2,
    draw(random) {
      const afterMs = between(random, 0, LATEST_STOP_MS);
      return {
        name: "stop during a reload",
        kind: "graceful",
        parameters: { afterMs },
        boundMs: TIMES.gracefulTimeout + STOP_BOUND_MS,
        async prepare(world) {
          await world.deploy(goodSource(world.shape.kind, 0, 0));
          world.server.signal("SIGHUP");
          await sleep(afterMs);
          return nothingMore;
        },
        end: ({ server }) => server.signal("SIGTERM"),
      };
    },
  },
  {
    name: "quick stop",
    weight: 2,
    draw(random) {
      const signals = pick(random, [["SIGINT"], ["SIGQUIT"], ["SIGTERM", "SIGINT"]] as const);
      return {
        name: "quick stop",
        kind: "quick",
        parameters: { signals },
        boundMs: STOP_BOUND_MS,
        prepare: nothing,
        end({ server }) {
          for (const signal of signals) server.signal(signal);
        },
      };
    },
  },
  {
    name: "kill of the master",
    weight: 2,
    draw: () => ({
      name: "kill of the master",
      kind: "killed",
      parameters: {},
      // The server was quiet: no request of the traffic takes longer than a second.
      boundMs: ORPHAN_BOUND_MS,
      prepare: nothing,
      end: ({ server }) => server.signal("SIGKILL"),
    }),
  },
];

async function nothing(): Promise<() => Promise<void>> {
  return nothingMore;
}

async function nothingMore(): Promise<void> {}

/**
 * Keeps every worker's loop busy, so that nobody accepts, and asks many times: what waits in the queues when the stop
 * comes was accepted by the system and must be answered. Returns the wait for those replies.
 */
async function fillQueues(world: World): Promise<() => Promise<void>> {
  const blocked = new Set<number>();
  const asked: Promise<unknown>[] = [];
  const before = world.deeds().length;
  const endsAt = performance.now() + world.patience * STOP_BOUND_MS;
  const workers = world.readyWorkers();
  // A busy worker accepts nothing: each of these requests finds another one.
  while (workers.some((pid) => !blocked.has(pid))) {
    if (performance.now() > endsAt) throw new Violation("workers", "not every worker accepts connections");
    asked.push(world.ask({ path: `/?block=${BLOCK_MS}` }, asked.length));
    // One at a time: those that a single worker gets would keep it busy one after the other.
    await until(() => world.deeds().length - before >= asked.length, endsAt);
    for (const { pid } of world.deeds().slice(before)) blocked.add(pid);
  }
  for (let index = 0; index < QUEUED; index++) asked.push(world.ask({}, index));
  await sleep(CONNECTED_MS);
  return async () => void (await Promise.all(asked));
}

async function until(condition: () => boolean, endsAt: number): Promise<void> {
  while (!condition() && performance.now() < endsAt) await sleep(5);
}
