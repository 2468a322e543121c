/**
 * The worker's end of the channel to the master. Ours are the messages with a `tsgate` key; everything else on it is
 * the application's and passes untouched.
 */

import fs from "node:fs";
import type net from "node:net";
import type { LogFields } from "../logger.ts";
import type { LogLevel } from "../config/types.ts";
import type { Order, Report } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import { intercept } from "./process-events.ts";

export type OrderHandler = (order: Order, handle: RawHandle | undefined) => void;

/** Calls `handle` with each order of the master. The application's own listeners do not see them. */
export function receiveOrders(handle: OrderHandler): void {
  intercept("message", (message, sent) => {
    if (!isOrder(message)) return false;
    handle(message, sent as RawHandle | undefined);
    return true;
  });
  // Node keeps messages back until somebody listens.
  process.on("message", keepReading);
}

/** Kept, because applications that look whether they were forked take it away. */
const send = process.send?.bind(process);

/** Tells the master; does nothing when there is none any more. */
export function report(message: Report): void {
  if (process.connected) send?.(message, undefined, undefined, ignoreFailure);
}

/** Tells the master with a copy of a handle beside it; `failed` is called when it cannot be told. */
export function reportWithHandle(message: Report, handle: RawHandle, failed: () => void): void {
  const told = (error: Error | null): void => {
    if (error !== null) failed();
  };
  if (!process.connected || send === undefined) process.nextTick(failed);
  else send(message, handle as unknown as net.Server, { keepOpen: true }, told);
}

/** At most this many records a second go to the master; what is above is counted, and said when the second is over. */
const RECORDS_A_SECOND = 200;
const WINDOW_MS = 1000;

let windowEndsAt = 0;
let sentInWindow = 0;
let dropped = 0;
let droppedEver = 0;

/** Writes a log record through the master, which alone holds the log's target; an orphan writes to standard error itself. */
export function log(level: LogLevel, msg: string, fields: LogFields = {}): void {
  if (!process.connected) return writeAsOrphan(level, msg, fields);
  const now = performance.now();
  if (now >= windowEndsAt) {
    tellDropped();
    windowEndsAt = now + WINDOW_MS;
    sentInWindow = 0;
  }
  if (++sentInWindow <= RECORDS_A_SECOND) return report({ tsgate: "log", level, msg, fields });
  if (dropped++ === 0) setTimeout(tellDropped, windowEndsAt - now + 1).unref();
  if (droppedEver++ === 0) process.once("exit", tellDropped);
}

/** Also when nobody writes any more. */
function tellDropped(): void {
  if (dropped > 0) report({ tsgate: "log", level: "warn", msg: "log records dropped", fields: { count: dropped } });
  dropped = 0;
}

/** How many records were held back since the worker began. */
export function droppedRecords(): number {
  return droppedEver;
}

function writeAsOrphan(level: LogLevel, msg: string, fields: LogFields): void {
  try {
    fs.writeSync(
      2,
      `${JSON.stringify({ level, time: Date.now(), role: "worker", pid: process.pid, ...fields, msg })}\n`,
    );
  } catch {
    // The last one who could read it is gone too.
  }
}

function isOrder(message: unknown): message is Order {
  return typeof message === "object" && message !== null && "tsgate" in message;
}

/** A failed send means that the master has gone, which the channel's end says better. */
function ignoreFailure(): void {}

function keepReading(): void {}
