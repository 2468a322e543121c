/**
 * What a seed means: lives of servers, each with a shape, scenes and an ending. Pure, so that a seed is always the same
 * plan: all randomness is spent here, and nothing that happens during a run has a part in it.
 *
 * A scene is one event, and sometimes others that begin while it goes on. After each scene the server comes to rest.
 */

import type { ApplicationKind } from "../support/applications.ts";
import { logUniform, pick, seeded } from "../support/traffic/random.mjs";
import type { Random } from "../support/traffic/random.mjs";
import { CATALOGUE } from "./catalogue.ts";
import type { ServerShape } from "./deployments.ts";
import { ENDINGS } from "./endings.ts";
import type { DrawnEnding } from "./endings.ts";
import { between } from "./event.ts";
import type { DrawableEvent, DrawnEvent, Group, Model } from "./event.ts";
import { MOST_LOSSES } from "./events/loss.ts";

/** An event and when it begins, counted from the beginning of its scene. */
export interface Act {
  readonly event: DrawnEvent;
  readonly atMs: number;
}

export interface Scene {
  readonly acts: readonly Act[];
  /** Before it begins. */
  readonly pauseMs: number;
  /** What is expected when it is over, and what was before. */
  readonly before: Model;
  readonly after: Model;
}

export interface LifePlan {
  readonly seed: number;
  /** Counted from 1. */
  readonly life: number;
  readonly shape: ServerShape;
  readonly scenes: readonly Scene[];
  readonly ending: DrawnEnding;
}

/** What narrows a plan down to what is to be shown. */
export interface PlanOptions {
  /** Names of events: no others occur. */
  readonly only?: readonly string[];
  readonly scenes?: number;
  readonly ending?: string;
  /** In place of what is drawn. */
  readonly shape?: Partial<ServerShape>;
}

const FEWEST_SCENES = 6;
const MOST_SCENES = 12;
const COMPANIONS = [0, 0, 0, 1, 1, 2] as const;
/** As long as most scenes take: a companion meets the first event at any stage. */
const LATEST_COMPANION_MS = 4000;
const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 800;
const KINDS: readonly ApplicationKind[] = ["gateway", "node", "express", "fetch", "server"];
const TCP = "127.0.0.1:0";
const UNIX = "unix:app.sock";
const BINDS: readonly (readonly string[])[] = [[TCP], [UNIX], [TCP, UNIX], [UNIX, TCP], [TCP, UNIX]];

/** Groups of which two events never share a scene: what then is expected would depend on which came first. */
const APART: readonly (readonly [Group, Group])[] = [
  ["deploy", "deploy"],
  ["deploy", "resize"],
  ["deploy", "break"],
  ["resize", "resize"],
  ["resize", "break"],
  ["resize", "scale"],
  ["break", "break"],
  // A worker that is replaced, or added, now loads what is broken on disk.
  ["break", "loss"],
  ["break", "scale"],
  // SIGCONT discards a SIGTTIN or SIGTTOU that waits for a stopped process.
  ["standstill", "scale"],
];

/** The plan of one life of a seed. */
export function planLife(seed: number, life: number, options: PlanOptions = {}): LifePlan {
  const random = seeded(Math.imul(seed, 0x9e3779b1) ^ Math.imul(life, 0x85ebca6b));
  const shape = { ...drawShape(random), ...options.shape };
  const drawnScenes = between(random, FEWEST_SCENES, MOST_SCENES);
  const events = CATALOGUE.filter(
    ({ name, group }) =>
      (options.only === undefined || options.only.includes(name)) &&
      // A worker that is replaced while something broken is on disk loads that.
      !(shape.maxRequests > 0 && group === "break"),
  );
  let model: Model = { target: shape.workers, configured: shape.workers, version: 1, deployed: 1, losses: 0 };
  const scenes: Scene[] = [];
  while (scenes.length < (options.scenes ?? drawnScenes)) {
    const scene = drawScene(random, model, events);
    scenes.push(scene);
    model = scene.after;
  }
  const endings = ENDINGS.filter(({ name }) => options.ending === undefined || options.ending === name);
  return { seed, life, shape, scenes, ending: weighted(random, endings).draw(random) };
}

function drawShape(random: Random): ServerShape {
  return {
    kind: pick(random, KINDS),
    binds: pick(random, BINDS),
    workers: between(random, 2, 4),
    lingerMs: between(random, 300, 1000),
    surge: pick(random, ["25%", "50%", 2]),
    maxRequests: pick(random, [0, 0, 1]) * between(random, 2000, 6000),
  };
}

function drawScene(random: Random, before: Model, events: readonly DrawableEvent[]): Scene {
  const pauseMs = Math.round(logUniform(random, SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
  const acts: Act[] = [];
  let after = before;
  const add = (event: DrawnEvent, atMs: number): void => {
    acts.push({ event, atMs });
    after = event.after(after);
  };
  add(drawFrom(random, before, events) ?? impossible(before), 0);
  for (let left = pick(random, COMPANIONS); left > 0; left--) {
    const fitting = events.filter((event) => acts.every(({ event: other }) => mayMeet(event, other)));
    const atMs = between(random, 0, LATEST_COMPANION_MS);
    const companion = drawFrom(random, after, fitting);
    if (companion !== undefined) add(companion, atMs);
  }
  return { acts, pauseMs, before, after };
}

/** One of the events that can happen now; undefined when none can. */
function drawFrom(random: Random, model: Model, events: readonly DrawableEvent[]): DrawnEvent | undefined {
  const isWornOut = model.losses >= MOST_LOSSES;
  let left = events.filter(({ group }) => !(isWornOut && group === "loss"));
  while (left.length > 0) {
    const kind = weighted(random, left);
    const event = kind.draw(random, model);
    if (event !== undefined) return event;
    left = left.filter((other) => other !== kind);
  }
  return undefined;
}

function impossible(model: Model): never {
  throw new Error(`no event can happen to ${JSON.stringify(model)}; let a reload be among them`);
}

function mayMeet(event: DrawableEvent, other: DrawnEvent): boolean {
  if (event.name === other.name) return false;
  return !APART.some(
    ([one, two]) => (event.group === one && other.group === two) || (event.group === two && other.group === one),
  );
}

function weighted<Item extends { readonly weight: number }>(random: Random, items: readonly Item[]): Item {
  let left = random() * items.reduce((sum, { weight }) => sum + weight, 0);
  const found = items.find(({ weight }) => (left -= weight) < 0) ?? items.at(-1);
  if (found === undefined) throw new Error("nothing to choose from");
  return found;
}
