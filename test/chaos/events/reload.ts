/** Reloads into good code: alone, in bursts, one during another, with another number of workers. */

import { setTimeout as sleep } from "node:timers/promises";
import { goodSource } from "../deployments.ts";
import { between, defineEvent } from "../event.ts";
import type { Model } from "../event.ts";
import { Violation } from "../violation.ts";
import type { World } from "../world.ts";

/** Above a canary's two seconds and the replacement of every worker, slow clients and hung workers included. */
const RELOAD_BOUND_MS = 60_000;
const LONGEST_BOOT_MS = 600;
/** As often as workers can be lost between two reloads, and once more. */
const ATTEMPTS = 4;
/** Longer than most reloads take: the second one meets the first at any stage. */
const LONGEST_OVERLAP_MS = 5000;
const MOST_WORKERS = 5;

export interface ReloadSignals {
  readonly signals?: number;
  readonly gapMs?: number;
  /** What the failure of an earlier deployment says, which may still come. */
  readonly before?: RegExp;
}

/**
 * Sends HUP, or several, and sees the reload through. Where an event meanwhile has killed one of the new workers, the
 * reload may fail for it, and is asked for again.
 */
export async function reloadUntilDone(world: World, options: ReloadSignals = {}): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const from = await sendHups(world, options);
    const ended = await world.seen(
      ({ msg, error }) =>
        msg === "reload done" || (msg === "reload failed" && options.before?.test(String(error)) !== true),
      {
        from,
        withinMs: RELOAD_BOUND_MS,
        or: ["reload", "a reload into good code has neither come through nor failed"],
      },
    );
    if (ended.msg === "reload done") return;
    if (!world.hasLost(Number(ended.generation)) || attempt === ATTEMPTS)
      throw new Violation("reload", `a reload into good code failed: ${String(ended["error"])}`);
    world.expected.push({ msg: "reload failed", generation: ended.generation });
  }
}

/** Returns the place in the log at which the last was sent. */
async function sendHups({ server }: World, { signals = 1, gapMs = 0 }: ReloadSignals): Promise<number> {
  let from = 0;
  for (let signal = 1; signal <= signals; signal++) {
    if (signal > 1) await sleep(gapMs);
    from = server.log.length;
    server.signal("SIGHUP");
  }
  return from;
}

/** A version was put in force: the back-off has forgotten what was before. */
function inForce(model: Model, version: number): Model {
  return { ...model, version, deployed: version, losses: 0 };
}

export const reload = defineEvent<{ version: number; bootMs: number }>({
  name: "reload",
  weight: 6,
  group: "deploy",
  draw: (random, { deployed }) => ({ version: deployed + 1, bootMs: between(random, 0, LONGEST_BOOT_MS) }),
  after: (model, { version }) => inForce(model, version),
  async act(world, { version, bootMs }) {
    await world.deploy(goodSource(world.shape.kind, version, bootMs));
    await reloadUntilDone(world);
  },
});

export const burst = defineEvent<{ version: number; signals: number; gapMs: number }>({
  name: "burst of reloads",
  weight: 2,
  group: "deploy",
  draw: (random, { deployed }) => ({
    version: deployed + 1,
    signals: between(random, 2, 8),
    gapMs: between(random, 0, 60),
  }),
  after: (model, { version }) => inForce(model, version),
  async act(world, { version, signals, gapMs }) {
    await world.deploy(goodSource(world.shape.kind, version, 0));
    await reloadUntilDone(world, { signals, gapMs });
  },
});

export const reloadDuringReload = defineEvent<{ first: number; version: number; overlapMs: number }>({
  name: "reload during a reload",
  weight: 3,
  group: "deploy",
  draw: (random, { deployed }) => ({
    first: deployed + 1,
    version: deployed + 2,
    overlapMs: between(random, 0, LONGEST_OVERLAP_MS),
  }),
  after: (model, { version }) => inForce(model, version),
  async act(world, { first, version, overlapMs }) {
    await world.deploy(goodSource(world.shape.kind, first, 0));
    const from = await sendHups(world, {});
    await sleep(overlapMs);
    await world.deploy(goodSource(world.shape.kind, version, 0));
    await reloadUntilDone(world);
    // The first may have failed because an event has killed its canary.
    for (const { generation } of world.server.log.all("reload failed", from))
      if (world.hasLost(Number(generation))) world.expected.push({ msg: "reload failed", generation });
  },
});

export const resize = defineEvent<{ version: number; workers: number }>({
  name: "reload with another number of workers",
  weight: 2,
  group: "resize",
  draw(random, { deployed, configured }) {
    const workers = between(random, 1, MOST_WORKERS);
    return workers === configured ? undefined : { version: deployed + 1, workers };
  },
  after: (model, { version, workers }) => ({ ...inForce(model, version), configured: workers, target: workers }),
  async act(world, { version, workers }) {
    await world.deploy(goodSource(world.shape.kind, version, 0), workers);
    await reloadUntilDone(world);
  },
});
