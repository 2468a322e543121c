/**
 * The catalogue of messages between master and worker. Imperative names go down, past tense comes up. Ours are
 * `{ tsgate: type, … }`; everything else on the channel belongs to the application.
 */

import type { ApplicationMetric } from "./application-metrics.ts";
import type { BootOrder } from "./boot-order.ts";
import type { InterfaceName, LogLevel } from "./config/types.ts";
import type { ErrorReport } from "./errors.ts";
import type { AskingWay, RequestInFlight } from "./hung-account.ts";
import type { LogFields } from "./logger.ts";
import type { ProxiedClient } from "./proxy-header.ts";
import type { PythonAccount } from "./python-account.ts";
import type { WorkerLoad } from "./worker-load.ts";
import type { WorkerProfile } from "./worker-profile.ts";
import type { WorkerStats } from "./worker-stats.ts";

/** What the proxy has said of a connection. */
export interface Introduction {
  /** Absent where the connection's own far end is meant. */
  readonly client?: ProxiedClient;
}

/** One listening socket as a worker is told of it; its handle travels beside the message. */
export interface ListenerInfo {
  readonly index: number;
  readonly count: number;
  /** As it is written in logs: `127.0.0.1:8000`, `unix:/run/app.sock`. */
  readonly address: string;
  readonly isUnix: boolean;
}

/** Master to worker. */
export type Order =
  | { readonly tsgate: "boot"; readonly order: BootOrder }
  /** Load and describe the application, then exit; nothing is started. */
  | { readonly tsgate: "check"; readonly order: BootOrder }
  /** Its first copy of a socket is to be listened on, a later one is for when it has paused. */
  | { readonly tsgate: "listen"; readonly listener: ListenerInfo }
  /** Accept nothing for a while; others do. */
  | { readonly tsgate: "pause" }
  | { readonly tsgate: "resume" }
  /** Another worker leaves the idle connection whose handle comes beside this: hold it, and read nothing yet. */
  | { readonly tsgate: "hold-connection"; readonly move: number; readonly introduction?: Introduction }
  /** The connection that is held for `move` is to be served, or closed because somebody else serves it. */
  | { readonly tsgate: "serve-connection"; readonly move: number }
  | { readonly tsgate: "drop-connection"; readonly move: number }
  /** What has become of a connection that this worker offered: it is another's, or still its own. */
  | {
      readonly tsgate: "offer-answered";
      readonly token: number;
      readonly isTaken: boolean;
      /** Nobody has time for it at this moment; somebody may have, a little later. */
      readonly mayTryAgain?: boolean;
    }
  /**
   * Others hold far fewer connections: offer up to `count` idle ones for the gift of this number, as long as more than `keep`
   * are left. Answered with `connections-given`.
   */
  | { readonly tsgate: "give-connections"; readonly gift: number; readonly count: number; readonly keep: number }
  /** Tell changes of the load between heartbeats, or no longer. */
  | { readonly tsgate: "report-load"; readonly isWanted: boolean }
  /** Finish what is in flight and leave; `stop` is the whole server's: the accept queue is emptied first. */
  | { readonly tsgate: "drain"; readonly why: DrainReason; readonly wholeServer: boolean; readonly deadlineMs: number }
  /** The log files were moved away: open them anew, and say so. */
  | { readonly tsgate: "reopen-logs" }
  /** Leave now. */
  | { readonly tsgate: "quit" }
  /** The master has seen this worker's SIGTERM and will decide. */
  | { readonly tsgate: "term-seen" }
  /** Sent back at once: whatever the worker had asked for before has been answered by now. */
  | { readonly tsgate: "all-answered" }
  /** Answered with `application-metrics`. */
  | { readonly tsgate: "tell-application-metrics"; readonly request: number }
  /** Look at the event loop for a while; answered with `profiled`. */
  | { readonly tsgate: "profile"; readonly request: number; readonly durationMs: number }
  /** The master has asked past the event loop what blocks it, and lets the worker live: nothing is to stay behind of it. */
  | { readonly tsgate: "asked" };

/** Why a worker that serves is replaced by another of the same release: it has served long enough, or grown too large. */
export type RecyclingReason = "max requests" | "max age" | "max memory";

export type DrainReason =
  | RecyclingReason
  | "reload"
  | "stop"
  | "scaled down"
  | "superseded"
  | "rollout aborted"
  | "unhealthy"
  | "terminated"
  | "orphaned"
  | "disconnected"
  | "uncaught exception"
  | "closed by the application"
  | PythonFailureKind;

/** What became of a worker's Python interpreter: its code is hung, and it is killed; or it has ended by itself. */
export type PythonFailureKind = "hung" | "interpreter died";

/** What kind of application was found and how it is served. */
export interface ApplicationInfo {
  /** Where it is: `/`, `/api`, `host:api.example.org/v1`. */
  readonly mount: string;
  /** As it was written. */
  readonly application: string;
  readonly interface: Exclude<InterfaceName, "auto">;
  /** Where it was found, in words: `default export, an Express application`. */
  readonly found: string;
  /** The transport that serves it, and why that one. */
  readonly transport: string;
  readonly transportReason: string;
  /** Exports beside it that have a name of its life, and are no functions. */
  readonly ignored?: readonly IgnoredExport[];
}

/** An export that counts for nothing, and what it is in a few words. */
export interface IgnoredExport {
  readonly name: string;
  readonly type: string;
}

/** How far a worker had come when its boot failed. */
export type BootStage = "load" | "startup" | "bind" | "settings";

/** What a worker says of itself with each heartbeat. */
export interface Usage {
  /** Requests that it has begun, upgrades among them. */
  readonly requests: number;
  /** Resident memory. */
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** How large V8's heap may grow, without the young generation where that is known; 0 while it need not be. */
  readonly heapLimitBytes: number;
}

/** Worker to master. */
export type Report =
  | { readonly tsgate: "hello" }
  /** It can go on only when the application does what by `lacks` it has not done: `did not call listen()`. */
  | { readonly tsgate: "waiting"; readonly lacks: string }
  /** It has nothing to do, unless an answer is on its way: asks for `all-answered`. */
  | { readonly tsgate: "idle" }
  /** It begins to load one of several applications. */
  | { readonly tsgate: "loading"; readonly application: string }
  | { readonly tsgate: "application-loaded"; readonly infos: readonly ApplicationInfo[] }
  | { readonly tsgate: "application-started" }
  | { readonly tsgate: "ready" }
  | {
      readonly tsgate: "boot-failed";
      readonly stage: BootStage;
      readonly summary: string;
      readonly error?: ErrorReport;
    }
  /** Nothing is written to the old files any more. */
  | { readonly tsgate: "logs-reopened" }
  /** `cpuMs`: what the process has used so far. */
  | ({
      readonly tsgate: "heartbeat";
      readonly isHealthy: boolean;
      readonly cpuMs: number;
      readonly load: WorkerLoad;
    } & Usage)
  | { readonly tsgate: "load-changed"; readonly load: WorkerLoad }
  /** It needs a copy of each socket, to listen on after its next pause. */
  | { readonly tsgate: "sockets-wanted" }
  /**
   * It has an idle connection, whose handle comes beside this, for another worker, and reads nothing meanwhile: it leaves, or
   * was asked for a gift.
   */
  | {
      readonly tsgate: "connection-offered";
      readonly token: number;
      readonly introduction?: Introduction;
      readonly gift?: number;
    }
  /** Of the gift that it was asked for others have taken so many connections. */
  | { readonly tsgate: "connections-given"; readonly gift: number; readonly count: number }
  /** It has waited long enough for an answer, and wants it back if nobody has it yet. */
  | { readonly tsgate: "offer-withdrawn"; readonly token: number }
  /** Whether it holds the connection of `move`. */
  | { readonly tsgate: "connection-answered"; readonly move: number; readonly isHeld: boolean }
  /** How it can be asked should its event loop be blocked; by a signal as long as nothing else was said. */
  | { readonly tsgate: "asked-by"; readonly way: AskingWay }
  | { readonly tsgate: "stats"; readonly stats: WorkerStats }
  /**
   * What the application's own `prom-client` holds, null when it could not say; `request` is 0 for its last word, which
   * nobody has asked for.
   */
  | {
      readonly tsgate: "application-metrics";
      readonly request: number;
      readonly metrics: readonly ApplicationMetric[] | null;
    }
  | {
      readonly tsgate: "profiled";
      readonly request: number;
      /** An error's text says why there is no profile. */
      readonly outcome: { readonly profile: WorkerProfile } | { readonly error: string };
      /** Of each Python interpreter that it has. */
      readonly pythons: readonly PythonAccount[];
    }
  | { readonly tsgate: "term-received" }
  /** The application threw where nobody catches; the worker drains by itself. */
  | {
      readonly tsgate: "uncaught";
      readonly origin: string;
      readonly error: ErrorReport;
      /** How many requests are in flight on it, and the oldest of them. */
      readonly inFlight: number;
      readonly requests: readonly RequestInFlight[];
    }
  /** A Python interpreter of it is hung, and is killed, or has ended; the worker drains by itself. */
  | { readonly tsgate: "python-failed"; readonly how: PythonFailureKind; readonly facts: LogFields }
  /** The application has closed its own server; the worker drains by itself. */
  | { readonly tsgate: "server-closed" }
  /** The application listens somewhere else besides; `isGuess`: that server might be the one that was meant. */
  | { readonly tsgate: "also-listening"; readonly address: string; readonly isGuess: boolean }
  | {
      readonly tsgate: "log";
      readonly level: LogLevel;
      readonly msg: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };
