/**
 * Which requests are in flight, for the record of a hang or of an overdue drain. On the hot path this is one look at the
 * clock: the list is made when somebody asks.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestInFlight } from "../hung-account.ts";
import { targetAsSent } from "./mounted-listeners.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";

/** A request in flight, named when somebody asks. */
export interface RequestUnderway {
  /** On the monotonic clock. */
  readonly begunAt: number;
  readonly name: () => NamedRequest;
}

export interface NamedRequest {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  /** Where it has a sane one. */
  readonly requestId: string | undefined;
}

/** The requests of one connection of `node:http`. */
export interface Flight {
  inFlight: number;
  /** The newest reply begun, unless it has ended and the whole of its request has come. */
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
  // Kept until the next request, thousands of them would grow old with their connections and be collected late.
  if (flight.newest === response && response.req.complete) flight.newest = undefined;
}

/** The reply that was begun first of those in flight; the newest, which may have ended, when none is. */
export function oldestReply({ others, newest }: Flight): ServerResponse | undefined {
  return others?.keys().next().value ?? newest;
}

/** How many requests are in flight, and the `limit` oldest of them, oldest first. */
export function listRequests(
  connections: Iterable<{ underway(): readonly RequestUnderway[] }>,
  limit: number,
): { readonly inFlight: number; readonly requests: RequestInFlight[] } {
  const begun: RequestUnderway[] = [];
  for (const connection of connections) begun.push(...connection.underway());
  const now = performance.now();
  const oldest = begun.sort((a, b) => a.begunAt - b.begunAt).slice(0, limit);
  return { inFlight: begun.length, requests: oldest.map((request) => describe(request, now)) };
}

/** The requests of a connection of `node:http` that are in flight. */
export function underwayOn(flight: Flight): readonly RequestUnderway[] {
  if (flight.inFlight === 0) return NONE;
  const others = flight.others === undefined ? [] : [...flight.others].map(([reply, at]) => underway(reply, at));
  return flight.newest !== undefined && isNewestInFlight(flight)
    ? [...others, underway(flight.newest, flight.newestAt)]
    : others;
}

export function underway({ req }: ServerResponse, begunAt: number): RequestUnderway {
  return { begunAt, name: () => nameOf(req) };
}

export function repliesInFlight(flight: Flight): readonly ServerResponse[] {
  const others = flight.others === undefined ? [] : [...flight.others.keys()];
  return flight.newest !== undefined && isNewestInFlight(flight) ? [...others, flight.newest] : others;
}

function isNewestInFlight({ inFlight, others }: Flight): boolean {
  return inFlight > (others?.size ?? 0);
}

function nameOf(request: IncomingMessage): NamedRequest {
  const requestId = saneRequestId(request.headers[REQUEST_ID_HEADER]);
  return { method: request.method ?? "", target: targetAsSent(request), requestId };
}

function describe({ begunAt, name }: RequestUnderway, now: number): RequestInFlight {
  const { method, target, requestId } = name();
  const [path = ""] = target.split("?", 1);
  const id = requestId === undefined ? {} : { requestId };
  return { method, path: path.slice(0, LONGEST_PATH), ageMs: Math.round(now - begunAt), ...id };
}

const NONE: readonly RequestUnderway[] = [];
const LONGEST_PATH = 500;
