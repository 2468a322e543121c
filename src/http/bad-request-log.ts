/** Requests that were refused, for a log that a client cannot fill: ten a minute, and how many there were beside them. */

import type { ConnectionFacts } from "../gateway/exchange.ts";
import type { Refusal } from "./refusal.ts";

export interface BadRequest {
  /** What it was answered with. */
  readonly status: number;
  /** One of a few constant sentences. */
  readonly reason: string;
  readonly remoteAddress: string | undefined;
  /** How many were left out since the last one that was told. */
  readonly leftOut: number;
}

export class BadRequestLog {
  readonly #tell: ((request: BadRequest) => void) | undefined;
  #minuteEndsAt = 0;
  #told = 0;
  #leftOut = 0;

  constructor(tell: ((request: BadRequest) => void) | undefined) {
    this.#tell = tell;
  }

  add({ status, reason }: Refusal, { remoteAddress }: ConnectionFacts, now: number = performance.now()): void {
    if (this.#tell === undefined) return;
    if (now >= this.#minuteEndsAt) {
      this.#minuteEndsAt = now + MINUTE_MS;
      this.#told = 0;
    }
    if (this.#told === A_MINUTE) {
      this.#leftOut++;
      return;
    }
    this.#told++;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    try {
      this.#tell({ status, reason, remoteAddress, leftOut });
    } catch {
      // Whoever logs must not change what clients get.
    }
  }
}

const A_MINUTE = 10;
const MINUTE_MS = 60_000;
