/** Processes that stand still for a while and go on: nobody may be killed for it. */

import { setTimeout as sleep } from "node:timers/promises";
import { TIMES } from "../deployments.ts";
import { between, defineEvent } from "../event.ts";
import { send } from "../world.ts";

/** With the time between two heartbeats well below the timeout. */
const LONGEST_OF_A_WORKER_MS = TIMES.timeout / 3;
const LONGEST_OF_THE_MASTER_MS = 1.4 * TIMES.timeout;

const seats = 12;

export const freezeWorker = defineEvent<{ seat: number; ms: number }>({
  name: "worker stopped for a moment",
  weight: 3,
  group: "pause",
  draw: (random) => ({ seat: between(random, 0, seats), ms: between(random, 50, LONGEST_OF_A_WORKER_MS) }),
  async act(world, { seat, ms }) {
    const pid = world.workerIn(seat);
    if (pid === undefined || !send(pid, "SIGSTOP")) return;
    await sleep(ms);
    world.thaw(pid);
  },
});

export const freezeMaster = defineEvent<{ ms: number }>({
  name: "master stopped for a while",
  weight: 3,
  group: "standstill",
  draw: (random) => ({ ms: between(random, 50, LONGEST_OF_THE_MASTER_MS) }),
  async act(world, { ms }) {
    world.server.signal("SIGSTOP");
    await sleep(ms);
    world.server.signal("SIGCONT");
  },
});
