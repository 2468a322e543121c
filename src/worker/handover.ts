/**
 * Gives idle connections to workers that stay, through the master: nobody closes a connection while a request may be on its
 * way on it. One that is offered is not read from; it is closed here when it has been taken, which its client does not
 * notice, and is this worker's again when nobody can take it, or not in time. It is the master that says which, also when
 * the offer is withdrawn: nobody else may have begun to read. Each offer comes to an end, which whoever made it is told.
 */

import http from "node:http";
import { readAgain, stopReading } from "../node-handles.ts";
import { report, reportWithHandle } from "./channel.ts";
import type { Connection } from "./connection.ts";

/**
 * While a handle is on its way, everything else that is to be said waits behind it: a heartbeat behind so many. On a machine
 * that has no time, more than these are not through before their offer would be withdrawn, and go twice.
 */
const MOST_UNDERWAY = 16;
/** For so long a client may wait for a taker that hangs, before the offer is withdrawn. */
const PATIENCE_MS = 500;

/** What has become of an offer: it is another's now; nobody can take it; or somebody may, a little later. */
export type OfferEnd = "taken" | "left" | "later";

/** Who offers a connection, and why. */
export interface Offering {
  /** A gift that the master has asked for; undefined when the worker leaves. */
  readonly gift?: number;
  /** Told once of each offer. */
  readonly ended: (connection: Connection, how: OfferEnd) => void;
}

export class Handover {
  readonly #underway = new Map<number, Offer>();
  readonly #waiting = new Map<Connection, Offering>();
  #newest = 0;

  constructor() {
    process.once("disconnect", () => {
      for (const token of this.#underway.keys()) this.answered(token, false);
    });
  }

  /** Offers an idle connection, as soon as not too many are underway; the last offer of those that wait counts. */
  offer(connection: Connection, offering: Offering): void {
    const before = this.#waiting.get(connection);
    this.#waiting.set(connection, offering);
    before?.ended(connection, "later");
    this.#next();
  }

  /** The master has answered an offer. */
  answered(token: number, isTaken: boolean, mayTryAgain = false): void {
    const offer = this.#underway.get(token);
    if (offer === undefined) return;
    this.#underway.delete(token);
    clearTimeout(offer.patience);
    const { connection, offering } = offer;
    connection.isOffered = false;
    if (isTaken) {
      // Not before it is counted here no more.
      if (connection.transport.closed) offering.ended(connection, "taken");
      else connection.transport.once("close", () => offering.ended(connection, "taken"));
      connection.socket.destroy();
    } else {
      readAgain(connection.socket);
      // What came meanwhile is read first; one that stays idle is offered again.
      offering.ended(connection, offer.isWithdrawn || mayTryAgain ? "later" : "left");
    }
    this.#next();
  }

  #next(): void {
    for (const [connection, offering] of this.#waiting) {
      if (this.#underway.size >= MOST_UNDERWAY) return;
      this.#waiting.delete(connection);
      if (connection.isIdle) this.#send(connection, offering);
      else offering.ended(connection, "later");
    }
  }

  #withdraw(token: number): void {
    const offer = this.#underway.get(token);
    if (offer === undefined) return;
    offer.isWithdrawn = true;
    report({ tsgate: "offer-withdrawn", token });
  }

  #send(connection: Connection, offering: Offering): void {
    const handle = connection.isMovable ? stopReading(connection.socket) : undefined;
    if (handle === undefined) return offering.ended(connection, "left");
    const token = ++this.#newest;
    connection.isOffered = true;
    const patience = setTimeout(() => this.#withdraw(token), PATIENCE_MS);
    this.#underway.set(token, { connection, offering, patience, isWithdrawn: false });
    const { introduction } = connection;
    const { gift } = offering;
    const facts = { ...(introduction && { introduction }), ...(gift === undefined ? {} : { gift }) };
    const offered = { tsgate: "connection-offered", token, ...facts } as const;
    reportWithHandle(offered, handle, () => this.answered(token, false));
  }
}

interface Offer {
  readonly connection: Connection;
  readonly offering: Offering;
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
