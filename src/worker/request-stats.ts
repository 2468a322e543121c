/**
 * What a worker's requests and connections add up to. On the hot path this is a few numbers in arrays, without an allocation; what a connection has carried is looked up when somebody asks. Made only where somebody will.
 */

import type { Socket } from "node:net";
import { ROOT } from "../mount-point.ts";
import {
  DURATION_BOUNDS_MS,
  type EndedRequests,
  REJECTIONS,
  type Rejection,
  type RequestTotals,
  STATUS_CLASSES,
} from "../worker-stats.ts";

/** What a connection has carried, as far as that has been added up. */
export interface Meter {
  /** The one below encryption. */
  readonly socket: Socket;
  received: number;
  sent: number;
  /** Requests in progress on it. */
  inFlight: number;
  /** It may carry bytes at any time, until it closes. */
  isUpgraded: boolean;
  isClosed: boolean;
  /** It is among those to look at. */
  isListed: boolean;
}

/** Where a reply keeps the instant at which its request began. */
const STARTED: unique symbol = Symbol("tsgate.started");

/** Where a reply keeps what counts for the application that makes it. */
const MOUNT: unique symbol = Symbol("tsgate.mount");

/** A reply of whatever transport. */
interface Timed {
  [STARTED]?: number;
  [MOUNT]?: Ended;
}

const BOUNDS = Float64Array.from(DURATION_BOUNDS_MS);
const NONE = STATUS_CLASSES.indexOf("none");

/** Requests that ended. */
class Ended {
  readonly #byStatus = new Float64Array(STATUS_CLASSES.length);
  readonly #durations = new Float64Array(BOUNDS.length + 1);
  readonly #durationMs = new Float64Array(1);

  count(status: number, bucket: number, tookMs: number): void {
    count(this.#byStatus, status);
    count(this.#durations, bucket);
    this.#durationMs[0] = (this.#durationMs[0] as number) + tookMs;
  }

  totals(): EndedRequests {
    return {
      byStatus: [...this.#byStatus],
      durations: [...this.#durations],
      durationMs: this.#durationMs[0] as number,
    };
  }
}

export class RequestStats {
  readonly #ended = new Ended();
  /** By mount, where there is more than the root. */
  readonly #byMount = new Map<string, Ended>();
  readonly #rejected = new Float64Array(REJECTIONS.length);
  #inFlight = 0;
  #accepted = 0;
  #upgrades = 0;
  #bytesReceived = 0;
  #bytesSent = 0;
  /** Connections that may have carried something since it was last added up. */
  #busy: Meter[] = [];

  /** @param mounts where there are applications; requests that are refused before one is chosen are the root's */
  constructor(mounts: readonly string[] = []) {
    if (mounts.every((mount) => mount === ROOT.text)) return;
    for (const mount of [ROOT.text, ...mounts]) this.#byMount.set(mount, new Ended());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @param isAccepted whether it came from its client, and not from another worker */
  opened(socket: Socket, isAccepted: boolean): Meter {
    if (isAccepted) this.#accepted++;
    return { socket, received: 0, sent: 0, inFlight: 0, isUpgraded: false, isClosed: false, isListed: false };
  }

  closed(meter: Meter): void {
    // Of several pipelined requests Node ends only the one that was being answered.
    this.#inFlight -= meter.inFlight;
    meter.isClosed = true;
    this.#addUp(meter);
  }

  /** @param at the instant at which it began, on the monotonic clock */
  begin(meter: Meter, reply: object, at: number): void {
    const timed = reply as Timed;
    // One that expects a 100 comes twice.
    if (timed[STARTED] !== undefined) return;
    timed[STARTED] = at;
    this.#inFlight++;
    meter.inFlight++;
    if (!meter.isListed) this.#list(meter);
  }

  /** The reply is through, or its connection is gone; `sent` is the status that its client was told, if any. */
  end(meter: Meter, reply: object, sent: number | undefined, at: number): void {
    const timed = reply as Timed;
    const startedAt = timed[STARTED];
    if (startedAt === undefined || startedAt < 0) return;
    timed[STARTED] = -1;
    const tookMs = at - startedAt;
    if (!meter.isClosed) {
      this.#inFlight--;
      meter.inFlight--;
    }
    const status = sent === undefined ? NONE : Math.max(0, Math.min(3, Math.trunc(sent / 100) - 2));
    const bucket = bucketOf(tookMs);
    this.#ended.count(status, bucket, tookMs);
    if (this.#byMount.size > 0) (timed[MOUNT] ?? this.#byMount.get(ROOT.text))?.count(status, bucket, tookMs);
  }

  /** The application of this mount is to answer. */
  chosen(reply: object, mount: string): void {
    const ended = this.#byMount.get(mount);
    if (ended !== undefined) (reply as Timed)[MOUNT] = ended;
  }

  /** Another protocol has the connection from here on. */
  upgraded(meter: Meter): void {
    this.#upgrades++;
    meter.isUpgraded = true;
    if (!meter.isListed) this.#list(meter);
  }

  /** A request was refused before the application saw it. */
  rejected(why: Rejection): void {
    count(this.#rejected, REJECTIONS.indexOf(why));
  }

  /** Everything since the worker began. */
  totals(droppedRecords: number): RequestTotals {
    const busy = this.#busy;
    this.#busy = [];
    for (const meter of busy) this.#addUp(meter);
    return {
      ...this.#ended.totals(),
      byMount: Object.fromEntries([...this.#byMount].map(([mount, ended]) => [mount, ended.totals()])),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
      accepted: this.#accepted,
      upgrades: this.#upgrades,
      rejected: [...this.#rejected],
      droppedRecords,
    };
  }

  #list(meter: Meter): void {
    meter.isListed = true;
    this.#busy.push(meter);
  }

  #addUp(meter: Meter): void {
    // A socket that is closed keeps its numbers; one that was never open has none.
    const { bytesRead = meter.received, bytesWritten = meter.sent } = meter.socket as Partial<Socket>;
    this.#bytesReceived += Math.max(0, bytesRead - meter.received);
    this.#bytesSent += Math.max(0, bytesWritten - meter.sent);
    meter.received = bytesRead;
    meter.sent = bytesWritten;
    meter.isListed = false;
    if (!meter.isClosed && (meter.inFlight > 0 || meter.isUpgraded)) this.#list(meter);
  }
}

/** What an error of Node's parser, or of its timeouts, says of a request; undefined when the client just went away. */
export function rejectionOf(code: unknown): Rejection | undefined {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "too slow";
  if (code === "HPE_HEADER_OVERFLOW") return "head too large";
  return typeof code === "string" && code.startsWith("HPE_") ? "malformed" : undefined;
}

/** The index of the first bound that is not below `ms`; behind the last for what is above all. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = BOUNDS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((BOUNDS[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function count(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] as number) + 1;
}
