/**
 * How long a client is waited for: instants on the engine's coarse clock, noted where something begins and judged once
 * a tick, so that no request needs a timer. An instant may be up to one tick older than what it stands for: so a limit
 * has passed when it and one tick more have.
 */

import { writtenBytes } from "../node-sockets.ts";
import type { Connection } from "./connection.ts";
import { REFUSALS } from "./refusal.ts";

export class Patience {
  /** When the connection was last at rest. */
  #idleSince: number;
  /** When a head began to come; 0: none is on its way. */
  #headSince = 0;
  #bodySince = 0;
  #bodyBytes = 0;
  #windowSince = 0;
  #windowBytes = 0;
  #sendSince = 0;
  #taken = 0;
  #lingerSince = 0;
  #discardSince = 0;

  constructor(now: number) {
    this.#idleSince = now;
  }

  idle(now: number): void {
    this.#idleSince = now;
  }

  headBegun(now: number): void {
    if (this.#headSince === 0) this.#headSince = now;
  }

  headComplete(): void {
    this.#headSince = 0;
  }

  bodyAwaited(now: number): void {
    this.#bodySince = now;
    if (this.#windowSince === 0) this.#windowSince = now;
  }

  /** The rest of a body is waited for that nobody reads. */
  discarding(now: number): void {
    this.#discardSince = now;
  }

  lingering(now: number): void {
    this.#lingerSince = now;
  }

  /** Ends what has taken too long; `tick` is how much later than real the clock may be. */
  judge(connection: Connection, now: number, tick: number): void {
    if (connection.isLingering) {
      if (now - this.#lingerSince >= LONGEST_LINGER_MS) connection.socket.destroy();
      return;
    }
    this.#judgeSending(connection, now, tick);
    if (connection.isClosed || connection.socket.destroyed) return;
    if (connection.incoming !== undefined) this.#judgeBody(connection, now, tick);
    else if (connection.state.isBegun && !connection.isThrough) this.#judgeHead(connection, now, tick);
    else if (connection.isIdle) this.#judgeIdle(connection, now, tick);
    this.#judgeResponses(connection, now, tick);
  }

  #judgeIdle(connection: Connection, now: number, tick: number): void {
    const { keepAliveMs, headersMs } = connection.owner.rules.limits;
    const limit = connection.requests === 0 && !connection.isKept ? headersMs : keepAliveMs;
    if (limit > 0 && now - this.#idleSince >= limit + tick && !connection.hasUnsent) connection.closeUnlessRead();
  }

  #judgeHead(connection: Connection, now: number, tick: number): void {
    const { headersMs } = connection.owner.rules.limits;
    if (headersMs === 0 || now - this.#headSince < headersMs + tick) return;
    connection.refuseHead(REFUSALS.headTimeout);
  }

  #judgeBody(connection: Connection, now: number, tick: number): void {
    const exchange = connection.incoming;
    const body = exchange?.body;
    const { bodyMs } = connection.owner.rules.limits;
    if (exchange === undefined || body === undefined) return;
    if (body.isLeft) {
      if (now - this.#discardSince >= LONGEST_LINGER_MS && connection.front !== exchange) connection.socket.destroy();
      return;
    }
    if (body.received !== this.#bodyBytes) {
      this.#bodyBytes = body.received;
      this.#bodySince = now;
    }
    if (!body.isAwaited || bodyMs === 0) {
      this.#windowSince = 0;
      return;
    }
    if (this.#windowSince === 0 || now - this.#windowSince >= bodyMs + tick) {
      const isSlow = this.#windowSince > 0 && body.received - this.#windowBytes < (LEAST_RATE * bodyMs) / 1000;
      this.#windowSince = now;
      this.#windowBytes = body.received;
      if (isSlow) return this.#bodyTooSlow(connection);
    }
    if (now - this.#bodySince >= bodyMs + tick) this.#bodyTooSlow(connection);
  }

  #bodyTooSlow(connection: Connection): void {
    const exchange = connection.incoming;
    connection.owner.refused(REFUSALS.bodyTimeout, connection);
    if (exchange !== undefined) connection.giveUp(exchange, REFUSALS.bodyTimeout);
  }

  #judgeSending(connection: Connection, now: number, tick: number): void {
    const { sendMs } = connection.owner.rules.limits;
    if (!connection.hasUnsent) {
      this.#sendSince = 0;
      return;
    }
    const { taken } = writtenBytes(connection.socket);
    if (this.#sendSince === 0 || taken !== this.#taken) {
      this.#sendSince = now;
      this.#taken = taken;
    } else if (sendMs > 0 && now - this.#sendSince >= sendMs + tick) {
      connection.gone();
    }
  }

  #judgeResponses(connection: Connection, now: number, tick: number): void {
    const { responseMs } = connection.owner.rules.limits;
    if (responseMs === 0 || connection.front === undefined) return;
    for (const exchange of [connection.front, ...(connection.behind ?? [])]) {
      if (exchange.isOver || exchange.hasBegun || now - exchange.begunAt < responseMs + tick) continue;
      connection.owner.refused(REFUSALS.responseTimeout, connection);
      connection.giveUp(exchange, REFUSALS.responseTimeout);
      return;
    }
  }
}

/** Bytes a second: below it a body counts as silent. */
const LEAST_RATE = 256;
const LONGEST_LINGER_MS = 5000;
