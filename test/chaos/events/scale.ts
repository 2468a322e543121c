/** More workers and fewer, by signal. */

import { between, defineEvent } from "../event.ts";
import type { Model } from "../event.ts";
import { BOOT_BOUND_MS } from "../world.ts";
import type { World } from "../world.ts";

const MOST_WORKERS = 5;
const LARGEST_STEP = 2;

export const scaleUp = defineEvent<{ by: number }>({
  name: "scale up",
  weight: 3,
  group: "scale",
  draw: (random, { target }) => stepOf(between(random, 1, LARGEST_STEP), MOST_WORKERS - target),
  after: (model, { by }) => resized(model, by),
  act: (world, { by }) => sendEach(world, "SIGTTIN", by),
});

export const scaleDown = defineEvent<{ by: number }>({
  name: "scale down",
  weight: 3,
  group: "scale",
  draw: (random, { target }) => stepOf(between(random, 1, LARGEST_STEP), target - 1),
  after: (model, { by }) => resized(model, -by),
  act: (world, { by }) => sendEach(world, "SIGTTOU", by),
});

function stepOf(wanted: number, possible: number): { by: number } | undefined {
  return possible < 1 ? undefined : { by: Math.min(wanted, possible) };
}

function resized(model: Model, by: number): Model {
  return { ...model, target: model.target + by };
}

/** One after the other: the system makes one of equal signals that wait. */
async function sendEach(world: World, signal: "SIGTTIN" | "SIGTTOU", times: number): Promise<void> {
  for (let sent = 0; sent < times; sent++) {
    const from = world.server.log.length;
    world.server.signal(signal);
    await world.seen("workers changed", { from, withinMs: BOOT_BOUND_MS, or: ["scale", `${signal} changed nothing`] });
  }
}
