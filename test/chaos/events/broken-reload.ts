/** Reloads into broken code or a broken configuration: alone, before a good one, and while a good one is under way. */

import { setTimeout as sleep } from "node:timers/promises";
import { pick } from "../../support/traffic/random.mjs";
import { BREAKAGES, BREAKAGE_NAMES, BROKEN_APPLICATIONS, goodSource, TIMES } from "../deployments.ts";
import type { Breakage, BreakageName } from "../deployments.ts";
import { between, defineEvent } from "../event.ts";
import type { Model } from "../event.ts";
import type { World } from "../world.ts";
import { reloadUntilDone } from "./reload.ts";

/** On a busy machine. */
const FAILURE_BOUND_MS = 12_000;
/** Within this time a good reload cannot have come into force: its canary gets two seconds. */
const BEFORE_PROMOTION_MS = 500;

/** Puts something broken on disk, reloads, and leaves what was good there before. */
async function reloadInVain(world: World, name: BreakageName, version: number): Promise<void> {
  const from = await sendBroken(world, name, version);
  const { error } = BREAKAGES[name];
  await world.seen(({ msg, error: said }) => msg === "reload failed" && error.test(String(said)), {
    from,
    withinMs: FAILURE_BOUND_MS + (name === "never ready" ? TIMES.bootTimeout : 0),
    or: ["reload", `a reload into a deployment that is broken (${name}) has not failed`],
  });
  await world.restore();
}

/** Returns the place in the log from which on its failure comes. */
async function sendBroken(world: World, name: BreakageName, version: number): Promise<number> {
  const breakage: Breakage = BREAKAGES[name];
  const { app, config, error, throws } = breakage;
  world.expected.push(({ msg, error: said }) => msg === "reload failed" && error.test(String(said)));
  if (throws !== undefined) world.expectThrow(throws);
  if (name === "never ready") world.expected.push({ msg: "worker killed", cause: "boot timeout" });
  await world.deployBroken({
    ...(app === undefined ? {} : { app: app(world.shape.kind, version) }),
    ...(config === undefined ? {} : { config }),
  });
  const from = world.server.log.length;
  world.server.signal("SIGHUP");
  return from;
}

/** A version was written and never came into force. */
function written(model: Model, version: number): Model {
  return { ...model, deployed: version };
}

export const brokenReload = defineEvent<{ name: BreakageName; version: number }>({
  name: "broken reload",
  weight: 6,
  group: "break",
  draw: (random, { deployed }) => ({ name: pick(random, BREAKAGE_NAMES), version: deployed + 1 }),
  after: (model, { version }) => written(model, version),
  act: (world, { name, version }) => reloadInVain(world, name, version),
});

export const repairedReload = defineEvent<{ name: BreakageName; broken: number; version: number; overlapMs: number }>({
  name: "broken reload, soon repaired",
  weight: 2,
  group: "break",
  draw: (random, { deployed }) => ({
    name: pick(random, BREAKAGE_NAMES),
    broken: deployed + 1,
    version: deployed + 2,
    overlapMs: between(random, 0, 3000),
  }),
  after: (model, { version }) => ({ ...model, version, deployed: version, losses: 0 }),
  async act(world, { name, broken, version, overlapMs }) {
    await sendBroken(world, name, broken);
    await sleep(overlapMs);
    await world.deploy(goodSource(world.shape.kind, version, 0));
    await reloadUntilDone(world, { before: BREAKAGES[name].error });
  },
});

export const spoiledReload = defineEvent<{ first: number; name: BreakageName; broken: number; overlapMs: number }>({
  name: "reload superseded by a broken one",
  weight: 1,
  group: "break",
  draw: (random, { deployed }) => ({
    first: deployed + 1,
    name: pick(random, BROKEN_APPLICATIONS),
    broken: deployed + 2,
    overlapMs: between(random, 0, BEFORE_PROMOTION_MS),
  }),
  after: (model, { broken }) => written(model, broken),
  async act(world, { first, name, broken, overlapMs }) {
    await world.project.write("app.mjs", goodSource(world.shape.kind, first, 0));
    world.server.signal("SIGHUP");
    await sleep(overlapMs);
    await reloadInVain(world, name, broken);
  },
});

export const interruptedRollout = defineEvent<{ first: number; name: BreakageName; broken: number; version: number }>({
  name: "broken reload while a good one rolls",
  weight: 2,
  group: "break",
  // Workers of the first one that boot now load what is broken.
  cost: ({ target }) => target,
  // With one worker the rollout is over with the first replacement.
  draw: (random, { deployed, target }) =>
    target < 2
      ? undefined
      : { first: deployed + 1, name: pick(random, BREAKAGE_NAMES), broken: deployed + 2, version: deployed + 3 },
  after: (model, { version }) => ({ ...model, version, deployed: version, losses: 0 }),
  async act(world, { first, name, broken, version }) {
    await world.deploy(goodSource(world.shape.kind, first, 0));
    const from = world.server.log.length;
    world.server.signal("SIGHUP");
    await world.seen(
      { msg: "worker draining", why: "reload" },
      { from, withinMs: FAILURE_BOUND_MS, or: ["reload", "a reload into good code has not come into force"] },
    );
    const generation = world.newestGeneration();
    world.expected.push(
      { msg: "worker gone", generation },
      { msg: "worker killed", generation, cause: "boot timeout" },
    );
    await reloadInVain(world, name, broken);
    // Both versions may serve now: what the first one's workers were made of has been off the disk.
    await world.deploy(goodSource(world.shape.kind, version, 0));
    await reloadUntilDone(world);
  },
});
