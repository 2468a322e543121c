/**
 * Which requests are in flight, for the record of a hang or of an overdue drain. On the hot path this is one look at the
 * clock: the list is made when somebody asks.
 */

import type { ServerResponse } from "node:http";
import type { RequestInFlight } from "../hung-account.ts";
import { targetAsSent } from "./mounted-listeners.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";

/** The requests of one connection. */
export interface Flight {
  inFlight: number;
  /** The newest reply begun, which may have ended. */
  newest: ServerResponse | undefined;
  newestAt: number;
  /** Those in flight beside the newest, in their order, with the instants at which they began; only pipelining and HTTP/2 have any. */
  others: Map<ServerResponse, number> | undefined;
}

export function beginReply(flight: Flight, response: ServerResponse): void {
  if (flight.newest !== undefined && flight.newest !== response && isNewestInFlight(flight)) {
    flight.others ??= new Map();
    flight.others.set(flight.newest, flight.newestAt);
  }
  flight.inFlight++;
  flight.newest = response;
  flight.newestAt = performance.now();
}

export function endReply(flight: Flight, response: ServerResponse): void {
  flight.inFlight--;
  flight.others?.delete(response);
}

/** The reply that was begun first of those in flight; the newest, which may have ended, when none is. */
export function oldestReply({ others, newest }: Flight): ServerResponse | undefined {
  return others?.keys().next().value ?? newest;
}

/** How many requests are in flight, and the `limit` oldest of them, oldest first. */
export function listRequests(
  flights: Iterable<Flight>,
  limit: number,
): { readonly inFlight: number; readonly requests: RequestInFlight[] } {
  const begun: (readonly [ServerResponse, number])[] = [];
  for (const flight of flights) {
    if (flight.others !== undefined) begun.push(...flight.others);
    if (flight.newest !== undefined && isNewestInFlight(flight)) begun.push([flight.newest, flight.newestAt]);
  }
  const now = performance.now();
  const oldest = begun.sort(([, a], [, b]) => a - b).slice(0, limit);
  return { inFlight: begun.length, requests: oldest.map(([response, at]) => describe(response, now - at)) };
}

export function repliesInFlight(flight: Flight): readonly ServerResponse[] {
  const others = flight.others === undefined ? [] : [...flight.others.keys()];
  return flight.newest !== undefined && isNewestInFlight(flight) ? [...others, flight.newest] : others;
}

function isNewestInFlight({ inFlight, others }: Flight): boolean {
  return inFlight > (others?.size ?? 0);
}

function describe({ req }: ServerResponse, ageMs: number): RequestInFlight {
  const [path = ""] = targetAsSent(req).split("?", 1);
  const requestId = saneRequestId(req.headers[REQUEST_ID_HEADER]);
  const id = requestId === undefined ? {} : { requestId };
  return { method: req.method ?? "", path: path.slice(0, LONGEST_PATH), ageMs: Math.round(ageMs), ...id };
}

const LONGEST_PATH = 500;
