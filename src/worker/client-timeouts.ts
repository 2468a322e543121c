/**
 * When a client, or the application, has kept a connection waiting for too long. What is seen of a connection at a look
 * goes in with the instant, a verdict comes out; between two looks nothing is timed and nothing runs. Pure but for the
 * `ClientWatch` that it keeps up to date. A timeout of 0 is none, and none is ever early.
 */

/** In milliseconds; 0 means never. */
export interface ClientLimits {
  /** From the connection, or from the first byte of a further request, to the end of the request's head. */
  readonly headersMs: number;
  /** Between reads of a request's body. */
  readonly bodyMs: number;
  /** Without the client taking anything of what is to be sent to it. */
  readonly sendMs: number;
  /** Until the application begins to answer. */
  readonly responseMs: number;
}

export type ClientTimeout = "headers" | "body" | "send" | "response";

/** What a look at a connection finds. */
export interface Look {
  /** What comes next on it. */
  waitsFor: "head" | "body" | "reply" | "nothing";
  /** Which one: another is timed anew. */
  of: unknown;
  bytesRead: number;
  /** Something has been written that the kernel has not taken. */
  hasUnsent: boolean;
  /** Bytes that the kernel has taken. */
  bytesTaken: number;
}

/** What is remembered of the looks before. */
export interface ClientWatch {
  waitsFor: Look["waitsFor"];
  of: unknown;
  /** Since when that is waited for, or was last seen to go on. */
  since: number;
  /** What had been read by then. */
  bytesThen: number;
  /** Since when the kernel has taken nothing; undefined when there is nothing to send. */
  stalledSince: number | undefined;
  bytesTaken: number;
  /** Bytes that the client's side had not yet acknowledged when the kernel was last asked; null: nobody can tell. */
  queued: number | null | undefined;
  /** When it was cut; its client may still be reading why. */
  cutAt: number | undefined;
}

/** Below this rate a body counts as silent. */
export const BYTES_A_SECOND = 256;
/** After this share of the send timeout the kernel is asked for the first time, so that there is something to compare. */
const FIRST_ASKED_AFTER = 0.25;

/** The shortest of these timeouts; Infinity when there is none. */
export function shortestOf({ headersMs, bodyMs, sendMs, responseMs }: ClientLimits): number {
  return Math.min(...[headersMs, bodyMs, sendMs, responseMs].filter((ms) => ms > 0));
}

/** The watch over a connection that came at `openedAt`. */
export function newWatch(openedAt: number): ClientWatch {
  return {
    waitsFor: "head",
    of: 0,
    since: openedAt,
    bytesThen: 0,
    stalledSince: undefined,
    bytesTaken: 0,
    queued: undefined,
    cutAt: undefined,
  };
}

/**
 * Which timeout has passed, if one has. `ask`: what the kernel took says nothing for long, which on a fast network it
 * does even while the client reads, because it takes megabytes at a time: `judgeQueue` wants to know what it still holds.
 */
export function judge(
  watch: ClientWatch,
  look: Look,
  limits: ClientLimits,
  now: number,
): ClientTimeout | "ask" | undefined {
  return judgeSending(watch, look, limits.sendMs, now) ?? judgeWaiting(watch, look, limits, now);
}

/** The kernel holds `queued` bytes that the client's side has not acknowledged; undefined when it does not tell. */
export function judgeQueue(
  watch: ClientWatch,
  queued: number | undefined,
  { sendMs }: ClientLimits,
  now: number,
): "send" | undefined {
  if (watch.stalledSince === undefined) return undefined;
  const before = watch.queued;
  watch.queued = queued ?? null;
  if (typeof before !== "number" || queued === undefined) return undefined;
  if (queued < before) watch.stalledSince = now;
  return now - watch.stalledSince >= sendMs ? "send" : undefined;
}

function judgeSending(watch: ClientWatch, look: Look, sendMs: number, now: number): "send" | "ask" | undefined {
  if (!look.hasUnsent) {
    watch.stalledSince = undefined;
    return undefined;
  }
  if (watch.stalledSince === undefined || look.bytesTaken !== watch.bytesTaken) {
    watch.stalledSince = now;
    watch.bytesTaken = look.bytesTaken;
    watch.queued = undefined;
  }
  if (sendMs === 0) return undefined;
  const stalledMs = now - watch.stalledSince;
  if (stalledMs >= sendMs) return watch.queued === null ? "send" : "ask";
  return watch.queued === undefined && stalledMs >= sendMs * FIRST_ASKED_AFTER ? "ask" : undefined;
}

function judgeWaiting(watch: ClientWatch, look: Look, limits: ClientLimits, now: number): ClientTimeout | undefined {
  const isOther = look.waitsFor !== watch.waitsFor || look.of !== watch.of;
  if (isOther || (look.waitsFor === "body" && look.bytesRead - watch.bytesThen >= bytesDue(limits.bodyMs))) {
    watch.waitsFor = look.waitsFor;
    watch.of = look.of;
    watch.since = now;
    watch.bytesThen = look.bytesRead;
  }
  const waitedMs = now - watch.since;
  switch (watch.waitsFor) {
    case "nothing":
      return undefined;
    case "head":
      return isOver(waitedMs, limits.headersMs) ? "headers" : undefined;
    case "body":
      return isOver(waitedMs, limits.bodyMs) ? "body" : undefined;
    case "reply":
      return isOver(waitedMs, limits.responseMs) ? "response" : undefined;
  }
}

function isOver(waitedMs: number, limitMs: number): boolean {
  return limitMs > 0 && waitedMs >= limitMs;
}

/** What has to come within the timeout for a body not to count as silent. */
function bytesDue(bodyMs: number): number {
  return (bodyMs / 1000) * BYTES_A_SECOND;
}
