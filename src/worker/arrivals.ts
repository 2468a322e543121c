/**
 * Idle connections that come from other workers. Each is held unread until the master says whose it is: a worker that
 * hangs meanwhile keeps nobody's connection. Invariant: what is held is served or closed, once.
 */

import type { Introduction } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";

/** A connection, and what its proxy had said of it. */
export interface Arrival {
  readonly handle: RawHandle;
  readonly introduction: Introduction | undefined;
}

export class Arrivals {
  readonly #held = new Map<number, Arrival>();
  readonly #serve: (arrival: Arrival) => void;
  readonly #dropped: () => void;
  #whenSettled: (() => void) | undefined;

  /**
   * @param serve is given what is this worker's
   * @param dropped called when there is one less to come
   */
  constructor(serve: (arrival: Arrival) => void, dropped: () => void) {
    this.#serve = serve;
    this.#dropped = dropped;
    process.once("disconnect", () => {
      for (const move of this.#held.keys()) this.drop(move);
    });
  }

  /** How many are held. */
  get size(): number {
    return this.#held.size;
  }

  hold(move: number, arrival: Arrival): void {
    this.#held.set(move, arrival);
  }

  /** It is this worker's now. */
  serve(move: number): void {
    const arrival = this.#take(move);
    if (arrival !== undefined) this.#serve(arrival);
  }

  /** It stays, or goes to another. */
  drop(move: number): void {
    const arrival = this.#take(move);
    if (arrival === undefined) return;
    arrival.handle.close();
    this.#dropped();
  }

  /** Resolves when it has been said of each whose it is. */
  async settled(): Promise<void> {
    if (this.#held.size > 0) await new Promise<void>((resolve) => (this.#whenSettled = resolve));
  }

  #take(move: number): Arrival | undefined {
    const arrival = this.#held.get(move);
    this.#held.delete(move);
    if (this.#held.size === 0) this.#whenSettled?.();
    return arrival;
  }
}
