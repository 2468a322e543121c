/**
 * Gives a leaving worker's idle connections to workers that stay, through the master: nobody closes a connection while a
 * request may be on its way on it. One that is offered is not read from; it is closed here when it has been taken, which
 * its client does not notice, and is this worker's again when nobody can take it, or not in time. It is the master that
 * says which, also when the offer is withdrawn: nobody else may have begun to read.
 */

import http from "node:http";
import { readAgain, stopReading } from "../node-handles.ts";
import { report, reportWithHandle } from "./channel.ts";
import type { Connection } from "./connection.ts";

/** While a handle is on its way, everything else that is to be said waits behind it: a heartbeat behind so many. */
const MOST_UNDERWAY = 64;
/** For so long a client may wait for a taker that hangs, before the offer is withdrawn. */
const PATIENCE_MS = 500;

export class Handover {
  readonly #underway = new Map<number, Offer>();
  readonly #waiting = new Set<Connection>();
  /** Is given what nobody has taken. */
  readonly #left: (connection: Connection) => void;
  #newest = 0;
  moved = 0;

  constructor(left: (connection: Connection) => void) {
    this.#left = left;
    process.once("disconnect", () => {
      for (const token of this.#underway.keys()) this.answered(token, false);
    });
  }

  /** Offers an idle connection, as soon as not too many are underway. Nothing to one that is offered already. */
  offer(connection: Connection): void {
    this.#waiting.add(connection);
    this.#next();
  }

  /** The master has answered an offer. */
  answered(token: number, isTaken: boolean, mayTryAgain = false): void {
    const offer = this.#underway.get(token);
    if (offer === undefined) return;
    this.#underway.delete(token);
    clearTimeout(offer.patience);
    const { connection } = offer;
    connection.isOffered = false;
    if (isTaken) {
      this.moved++;
      connection.socket.destroy();
    } else {
      readAgain(connection.socket);
      // What came meanwhile is read first; one that stays idle is offered again.
      if (!offer.isWithdrawn && !mayTryAgain) this.#left(connection);
    }
    this.#next();
  }

  #next(): void {
    for (const connection of this.#waiting) {
      if (this.#underway.size >= MOST_UNDERWAY) return;
      this.#waiting.delete(connection);
      if (connection.isIdle) this.#send(connection);
    }
  }

  #withdraw(token: number): void {
    const offer = this.#underway.get(token);
    if (offer === undefined) return;
    offer.isWithdrawn = true;
    report({ tsgate: "offer-withdrawn", token });
  }

  #send(connection: Connection): void {
    const handle = connection.isMovable ? stopReading(connection.socket) : undefined;
    if (handle === undefined) return this.#left(connection);
    const token = ++this.#newest;
    connection.isOffered = true;
    const patience = setTimeout(() => this.#withdraw(token), PATIENCE_MS);
    this.#underway.set(token, { connection, patience, isWithdrawn: false });
    const { introduction } = connection;
    const offered = { tsgate: "connection-offered", token, ...(introduction && { introduction }) } as const;
    reportWithHandle(offered, handle, () => this.answered(token, false));
  }
}

interface Offer {
  readonly connection: Connection;
  readonly patience: NodeJS.Timeout;
  isWithdrawn: boolean;
}

/** Whether a connection can come to `server` that has served requests elsewhere: plain HTTP, and only Node listens. */
export function canTakeOver(server: unknown): boolean {
  if (!(server instanceof http.Server)) return false;
  const [listener, ...others] = server.listeners("connection");
  return others.length === 0 && listener === usualListener;
}

/** What every HTTP server listens to connections with. */
const [usualListener] = new http.Server().listeners("connection");
