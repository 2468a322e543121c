/** Which release each generation runs. */

import type { Settings } from "../config/types.ts";
import type { PoolView } from "./model.ts";
import type { Release } from "./release.ts";

export class Releases {
  readonly #first: Release;
  readonly #byGeneration = new Map<number, Release>();
  #newest = 0;

  constructor(first: Release) {
    this.#first = first;
  }

  /** Adds a release as the next generation; returns the generation's number. */
  add(release: Release): number {
    this.#byGeneration.set(++this.#newest, release);
    return this.#newest;
  }

  /** The number of the newest generation that was ever begun. */
  get newest(): number {
    return this.#newest;
  }

  of(generation: number): Release {
    return this.#byGeneration.get(generation) ?? this.#first;
  }

  /** The release in force: the promoted generation's, or the first one while it still boots. */
  current(pool: PoolView): Release {
    return this.of(pool.generation);
  }

  settings(pool: PoolView): Settings {
    return this.current(pool).configuration.settings;
  }

  /** Forgets the generations before the promoted one: none of their workers is left to be replaced. */
  forgetOlderThan(generation: number): void {
    for (const known of this.#byGeneration.keys()) if (known < generation) this.#byGeneration.delete(known);
  }
}
