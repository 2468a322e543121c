/** Signals that reach a worker though they are the master's business, as from `kill` of the wrong pid. */

import { pick } from "../../support/traffic/random.mjs";
import { between, defineEvent } from "../event.ts";
import { send } from "../world.ts";

const IGNORED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGTTIN", "SIGTTOU"] as const;

const seats = 12;

export const straySignal = defineEvent<{ seat: number; signal: NodeJS.Signals }>({
  name: "stray signal to a worker",
  weight: 2,
  group: "stray",
  draw: (random) => ({ seat: between(random, 0, seats), signal: pick(random, IGNORED) }),
  async act(world, { seat, signal }) {
    const pid = world.workerIn(seat);
    if (pid !== undefined) send(pid, signal);
  },
});
