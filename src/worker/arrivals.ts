/**
 * Idle connections that come from workers that leave. Each is held unread until the master says whose it is: a worker that
 * hangs meanwhile keeps nobody's connection. Invariant: what is held is served or closed, once.
 */

import type { RawHandle } from "../node-handles.ts";

export class Arrivals {
  readonly #held = new Map<number, RawHandle>();
  readonly #serve: (handle: RawHandle) => void;
  #whenSettled: (() => void) | undefined;

  constructor(serve: (handle: RawHandle) => void) {
    this.#serve = serve;
    process.once("disconnect", () => {
      for (const move of this.#held.keys()) this.drop(move);
    });
  }

  hold(move: number, handle: RawHandle): void {
    this.#held.set(move, handle);
  }

  /** It is this worker's now. */
  serve(move: number): void {
    const handle = this.#take(move);
    if (handle !== undefined) this.#serve(handle);
  }

  /** It stays, or goes to another. */
  drop(move: number): void {
    this.#take(move)?.close();
  }

  /** Resolves when it has been said of each whose it is. */
  async settled(): Promise<void> {
    if (this.#held.size > 0) await new Promise<void>((resolve) => (this.#whenSettled = resolve));
  }

  #take(move: number): RawHandle | undefined {
    const handle = this.#held.get(move);
    this.#held.delete(move);
    if (this.#held.size === 0) this.#whenSettled?.();
    return handle;
  }
}
