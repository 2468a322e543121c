/** How long workers and clients may take. */

import { duration, type SettingRows } from "../setting-row.ts";

export const TIMEOUTS: SettingRows<
  | "timeout"
  | "bootTimeout"
  | "gracefulTimeout"
  | "linger"
  | "shutdownDelay"
  | "giveUp"
  | "keepAlive"
  | "headersTimeout"
  | "bodyTimeout"
  | "sendTimeout"
  | "responseTimeout"
> = {
  timeout: {
    short: "-t",
    metavar: "T",
    // Four heartbeats, none closer than 50 ms to the last.
    type: duration(200, true),
    default: 30_000,
    doc: "Heartbeat silence after which a worker counts as hung and is replaced, at least 200ms; 0 means never",
    takesEffect: "reload",
  },
  bootTimeout: {
    metavar: "T",
    type: duration(),
    default: 60_000,
    doc: "Time from fork to ready; 0 means any",
    takesEffect: "reload",
  },
  gracefulTimeout: {
    metavar: "T",
    type: duration(1),
    default: 30_000,
    doc: "Time that a worker has to finish its requests, at a stop, a reload and a replacement alike",
    takesEffect: "reload",
  },
  linger: {
    metavar: "T",
    type: duration(),
    default: 5000,
    doc: "How long a draining worker keeps idle keep-alive connections for one more request, before they move to another worker or, where none can take them, are closed; ends with the graceful timeout at the latest",
    takesEffect: "reload",
  },
  shutdownDelay: {
    metavar: "T",
    type: duration(),
    default: 0,
    doc: "After TERM: how long to go on serving while not ready, for load balancers",
    takesEffect: "reload",
  },
  giveUp: {
    metavar: "T",
    type: duration(),
    default: 300_000,
    doc: "No worker ready for that long: exit 3; 0 means never",
    takesEffect: "reload",
  },
  keepAlive: {
    metavar: "T",
    type: duration(1),
    default: 75_000,
    doc: "How long an idle keep-alive connection stays open; above the 60 s of common load balancers",
    takesEffect: "reload",
  },
  headersTimeout: {
    metavar: "T",
    type: duration(),
    default: 15_000,
    doc: "How long a client may take to send a request's head, from its connection or from the first byte of a further request: then 408, or without a word when it has sent nothing; 0 means any time",
    takesEffect: "reload",
  },
  bodyTimeout: {
    metavar: "T",
    type: duration(),
    default: 30_000,
    doc: "How long a client may be silent within a request's body, where less than 256 bytes a second over that time counts as silence: then 408; a body that the application does not read is not its client's silence; 0 means any time",
    takesEffect: "reload",
  },
  sendTimeout: {
    metavar: "T",
    type: duration(),
    default: 60_000,
    doc: "How long a client may take nothing of what is to be sent to it: then the connection is reset; 0 means any time",
    takesEffect: "reload",
  },
  responseTimeout: {
    metavar: "T",
    type: duration(),
    default: 0,
    doc: "How long the application may take to begin its answer to a request that is there: then 504, and the connection is closed; 0 means any time",
    takesEffect: "reload",
  },
};
