/** What makes a worker be replaced: kills, hangs, ends of its own, exceptions, SIGTERM. */

import { defineEvent, between } from "../event.ts";
import type { Model } from "../event.ts";
import { TIMES } from "../deployments.ts";
import { BOOT_BOUND_MS, send } from "../world.ts";

/** So many a slot wait for at most 4 s ± 20 % before they are filled again. */
export const MOST_LOSSES = 4;

const seats = 12;

const one = (): number => 1;
const oneMore = (model: Model): Model => ({ ...model, losses: model.losses + 1 });

export const killWorker = defineEvent<{ seat: number }>({
  name: "kill of a worker",
  weight: 5,
  group: "loss",
  cost: one,
  draw: (random) => ({ seat: between(random, 0, seats) }),
  after: oneMore,
  async act(world, { seat }) {
    const pid = world.workerIn(seat);
    if (pid !== undefined) await world.kill([pid]);
  },
});

export const killAll = defineEvent<object>({
  name: "kill of all workers",
  weight: 2,
  group: "loss",
  cost: ({ target }) => target,
  draw: () => ({}),
  after: oneMore,
  act: (world) => world.kill(world.server.workerPids()),
});

export const hang = defineEvent<object>({
  name: "hang of a worker",
  weight: 2,
  group: "loss",
  cost: one,
  draw: () => ({}),
  after: oneMore,
  async act(world) {
    const from = world.server.log.length;
    const pid = await world.provoke("hang");
    if (pid === undefined) return;
    world.mourn(pid);
    await world.gone(pid, from, world.hangBoundMs(pid), "hang");
  },
});

export const freezeForGood = defineEvent<{ seat: number }>({
  name: "worker stopped for longer than the timeout",
  weight: 1,
  group: "loss",
  cost: one,
  draw: (random) => ({ seat: between(random, 0, seats) }),
  after: oneMore,
  async act(world, { seat }) {
    const pid = world.workerIn(seat);
    const from = world.server.log.length;
    if (pid === undefined || !(await world.freeze(pid))) return;
    world.mourn(pid);
    await world.gone(pid, from, world.hangBoundMs(pid), "hang");
  },
});

export const exit = defineEvent<object>({
  name: "exit in a handler",
  weight: 2,
  group: "loss",
  cost: one,
  draw: () => ({}),
  after: oneMore,
  async act(world) {
    const from = world.server.log.length;
    const pid = await world.provoke("exit");
    if (pid !== undefined) await world.gone(pid, from, BOOT_BOUND_MS);
  },
});

export const uncaught = defineEvent<{ delayMs: number }>({
  name: "uncaught exception",
  weight: 2,
  group: "loss",
  cost: one,
  draw: (random) => ({ delayMs: between(random, 0, 50) }),
  after: oneMore,
  async act(world, { delayMs }) {
    const from = world.server.log.length;
    world.expectThrow("thrown on purpose");
    const { outcome, reply } = await world.ask({ path: `/?throw=${delayMs}` });
    // Its worker was killed by something else; whether that excuses it is judged with all others.
    if (outcome !== "ok") return;
    const pid = Number(reply?.headers.get("x-worker-pid"));
    await world.gone(pid, from, TIMES.gracefulTimeout + BOOT_BOUND_MS);
  },
});

/** The slowest way: three beats, then the replacement, then the drain. */
const ILLNESS_BOUND_MS = 5000 + 2 * BOOT_BOUND_MS + TIMES.gracefulTimeout;

export const illness = defineEvent<object>({
  name: "illness of a worker",
  weight: 2,
  group: "loss",
  draw: () => ({}),
  after: oneMore,
  async act(world) {
    const from = world.server.log.length;
    const { outcome, reply } = await world.ask({ path: "/?ill" });
    if (outcome === "ok") await world.gone(Number(reply?.headers.get("x-worker-pid")), from, ILLNESS_BOUND_MS);
  },
});

export const terminate = defineEvent<{ seat: number }>({
  name: "SIGTERM to a worker",
  weight: 2,
  group: "loss",
  draw: (random) => ({ seat: between(random, 0, seats) }),
  async act(world, { seat }) {
    const pid = world.workerIn(seat);
    const from = world.server.log.length;
    if (pid === undefined || !send(pid, "SIGTERM")) return;
    await world.gone(pid, from, 2 * BOOT_BOUND_MS);
  },
});
