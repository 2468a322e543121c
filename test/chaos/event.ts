/**
 * What a kind of event is. Its pure half draws parameters from the seed and says what is to be expected afterwards, so
 * that a plan is made without a server; its other half makes it happen and sees it through.
 */

import type { Random } from "../support/traffic/random.mjs";
import type { World } from "./world.ts";

/** What a quiet server has to be like, as far as events change it. */
export interface Model {
  /** Workers wanted. */
  readonly target: number;
  /** `workers` of the configuration. */
  readonly configured: number;
  /** The number of the newest good version. */
  readonly version: number;
  /** Versions that were ever written, good or not. */
  readonly deployed: number;
  /** Workers lost since the last good reload, which forgets the back-off. */
  readonly losses: number;
}

/**
 * Which events may happen at the same time. `deploy` puts good code in force, `resize` does so with another number of
 * workers, `break` fails to; `loss` makes a worker be replaced, by what is on disk at that time; `scale` changes the
 * number of workers; `pause` stops a worker for a while and `standstill` the master; `client` is what clients do; `stray`
 * is what must change nothing.
 */
export type Group = "deploy" | "resize" | "break" | "loss" | "scale" | "pause" | "standstill" | "client" | "stray";

export interface EventKind<Parameters extends object> {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  readonly group: Group;
  /** How many ready workers it may cost at once; default 0. */
  readonly cost?: (model: Model) => number;
  /** Its parameters, or undefined when it cannot happen now. */
  readonly draw: (random: Random, model: Model) => Parameters | undefined;
  /** What is expected when it is over; default: the same. */
  readonly after?: (model: Model, parameters: Parameters) => Model;
  /** Makes it happen. Throws a Violation when what must follow does not. */
  readonly act: (world: World, parameters: Parameters) => Promise<void>;
}

/** An event with its parameters drawn. */
export interface DrawnEvent {
  readonly name: string;
  readonly group: Group;
  readonly parameters: object;
  readonly cost: number;
  /** What is expected when it is over. */
  readonly after: (model: Model) => Model;
  readonly act: (world: World) => Promise<void>;
}

/** A kind of event as the plan sees it: with its parameters' type closed over. */
export interface DrawableEvent {
  readonly name: string;
  readonly weight: number;
  readonly group: Group;
  readonly draw: (random: Random, model: Model) => DrawnEvent | undefined;
}

export function defineEvent<Parameters extends object>(kind: EventKind<Parameters>): DrawableEvent {
  const { name, weight, group } = kind;
  return {
    name,
    weight,
    group,
    draw(random, model) {
      const parameters = kind.draw(random, model);
      if (parameters === undefined) return undefined;
      return {
        name,
        group,
        parameters,
        cost: kind.cost?.(model) ?? 0,
        after: (before) => kind.after?.(before, parameters) ?? before,
        act: (world) => kind.act(world, parameters),
      };
    },
  };
}

/** An integer from `low` to `high`, both included, each as likely. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}
