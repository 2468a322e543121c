/** How many workers there are, how each is started, what it takes in and when it is replaced. */

import { parseWorkerCount, defaultWorkers } from "../found-defaults.ts";
import { parseImport, parseNodeArg } from "../node-options.ts";
import { many, one, duration, size, type SettingRows } from "../setting-row.ts";
import type { Surge } from "../types.ts";
import { parseInteger, parseSurge } from "../values.ts";

/** More than any worker will ever count. */
const MOST_REQUESTS = 2 ** 31 - 1;

export const WORKERS: SettingRows<
  | "workers"
  | "surge"
  | "maxRequests"
  | "maxRequestsJitter"
  | "maxWorkerAge"
  | "maxMemory"
  | "workerConnections"
  | "limitConcurrency"
  | "nodeArg"
  | "import"
> = {
  workers: {
    short: "-w",
    metavar: "N",
    type: one(parseWorkerCount),
    default: defaultWorkers,
    defaultText:
      "$WEB_CONCURRENCY, else as many as CPUs (container quota respected) but no more than memory limit / 256 MB, at least 1",
    doc: "Worker processes",
    takesEffect: "reload",
  },
  surge: {
    metavar: "N|%",
    type: one<Surge>(parseSurge, (surge) => (surge.kind === "percent" ? `${surge.value}%` : String(surge.value))),
    default: { kind: "percent", value: 25 },
    defaultText: "25%, at least 1",
    doc: "How many extra workers a reload may run at once: a count, or a share of the workers",
    takesEffect: "reload",
  },
  maxRequests: {
    metavar: "N",
    type: one((value) => parseInteger(value, 0, MOST_REQUESTS)),
    default: 0,
    doc: "Requests after which a worker is replaced; it goes on serving until its replacement is ready; 0 means any number",
    takesEffect: "reload",
  },
  maxRequestsJitter: {
    metavar: "N",
    type: one((value) => parseInteger(value, 0, MOST_REQUESTS)),
    default: 0,
    doc: "Each worker gets up to N requests more than --max-requests, by chance, so that they are not all replaced in a row",
    takesEffect: "reload",
  },
  maxWorkerAge: {
    metavar: "T",
    type: duration(),
    default: 0,
    doc: "Time after which a worker is replaced; each worker gets up to a tenth less, by chance, so that they are not all replaced in a row; 0 means any",
    takesEffect: "reload",
  },
  maxMemory: {
    metavar: "SIZE",
    type: size(),
    default: 0,
    doc: "Resident memory above which a worker is replaced, when three heartbeats in a row have shown it, at most once in 30 s a slot; 0 means any",
    takesEffect: "reload",
  },
  workerConnections: {
    metavar: "N",
    type: one((value) => parseInteger(value, 0, 1_000_000)),
    default: 0,
    doc: "Connections that a worker holds at once; it stops accepting while it has so many; 0 means any number",
    takesEffect: "reload",
  },
  limitConcurrency: {
    metavar: "N",
    type: one((value) => parseInteger(value, 0, 1_000_000)),
    default: 0,
    doc: "Requests in progress in a worker; what comes above that is answered with 503 and Retry-After, and the application does not see it; 0 means any number",
    takesEffect: "reload",
  },
  nodeArg: {
    metavar: "ARG",
    type: many(parseNodeArg),
    default: [],
    defaultText: "none",
    doc: "Argument for Node in the workers, such as --max-old-space-size=512; may be repeated",
    takesEffect: "reload",
  },
  import: {
    metavar: "SPEC",
    type: many(parseImport),
    default: [],
    defaultText: "none",
    doc: "Module that workers import before the application, such as tsx or ./instrument.mjs; may be repeated",
    takesEffect: "reload",
  },
};
