/**
 * The catalogue of messages between master and worker. Imperative names go down, past tense comes up. Ours are
 * `{ tsgate: type, … }`; everything else on the channel belongs to the application.
 */

import type { AppReference } from "./app-ref.ts";
import type { ApplicationMetric } from "./application-metrics.ts";
import type { InterfaceName, LogLevel, TransportName, WorkerInfo } from "./config/types.ts";
import type { ErrorReport } from "./errors.ts";
import type { AskingWay, RequestInFlight } from "./hung-account.ts";
import type { LogFields } from "./logger.ts";
import type { MountPoint } from "./mount-point.ts";
import type { ProxiedClient, ProxyVersion } from "./proxy-header.ts";
import type { PythonAccount } from "./python-account.ts";
import type { WorkerLoad } from "./worker-load.ts";
import type { WorkerProfile } from "./worker-profile.ts";
import type { WorkerStats } from "./worker-stats.ts";

/** What a worker has to know to boot: the answer to its `hello`. */
export interface BootOrder {
  readonly worker: WorkerInfo;
  /** At least one; the one at the root, if there is one, first. */
  readonly applications: readonly ApplicationOrder[];
  /** Files that are served before the applications. */
  readonly staticFolders: readonly StaticOrder[];
  readonly appArgs: readonly string[];
  /** Kind server: the port whose `listen()` gets the sockets; undefined for the first. */
  readonly listenMatch: number | undefined;
  /** Kind fetch: Node's own Request and Response stay. */
  readonly nativeFetch: boolean;
  readonly transport: TransportName;
  /** Kinds gateway, fetch and wsgi: the validator stands before the application. */
  readonly validate: boolean;
  /** Kind wsgi. */
  readonly python: PythonSettings;
  readonly waitReady: boolean;
  readonly keepAliveMs: number;
  /** Somebody asked for it: it counts more than what a program's own server says. */
  readonly isKeepAliveGiven: boolean;
  readonly clients: ClientOrder;
  readonly lingerMs: number;
  readonly gracefulTimeoutMs: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** It beats at once when it has begun so many requests; 0 for never. */
  readonly maxRequests: number;
  /** Somebody wants to know what it does: it counts, and reports `stats`. */
  readonly measures: boolean;
  readonly backlog: number;
  /** Connections that it may hold at once; 0 for any number. */
  readonly workerConnections: number;
  readonly multiprocess: boolean;
  /** Whose forwarding headers are believed, for `AddressList`. */
  readonly forwardedAllowIps: readonly string[];
  /** Every connection begins with a header of its proxy's; undefined where none does. */
  readonly proxy: ProxyOrder | undefined;
  /** Headers whose names hold an underscore are answered with 400, where they would be in an environ. */
  readonly refusesUnderscores: boolean;
  readonly processTitle: string;
  /** Where each request gets its line, and what it says; undefined for nowhere. */
  readonly accessLog: AccessLogOrder | undefined;
  /** Each request is named, by the id that came with it or by a new one. */
  readonly givesRequestIds: boolean;
  /** Its standard output and error go to the master. */
  readonly isOutputCaptured: boolean;
  /** The configuration file, when it holds hooks that run in the worker. */
  readonly hooksFile: string | undefined;
  /** The first TCP address that the server is bound to: what a program's own server tells of itself. */
  readonly tcpAddress: TcpAddress | undefined;
}

/** One of the applications that a worker serves. */
export interface ApplicationOrder {
  readonly mount: MountPoint;
  readonly app: AppReference;
  readonly interface: InterfaceName;
  readonly factory: boolean;
}

/** A folder of files: an absolute path without symbolic links, and the prefix that they are below. */
export interface StaticOrder {
  readonly prefix: string;
  readonly directory: string;
}

/** How the interpreters of a server are run. */
export interface PythonSettings {
  /** A program, or the folder of a virtual environment; undefined for the usual one. */
  readonly executable: string | undefined;
  readonly threads: number;
  readonly path: readonly string[];
  /** How long all threads of one may be silent; 0 for ever. */
  readonly timeoutMs: number;
  /** After so long an application that still imports is named. */
  readonly lateMs: number;
}

/** What a Python interpreter of a worker is to serve, and how. */
export interface PythonOrder {
  /** The application as it was written. */
  readonly text: string;
  readonly executable: string;
  readonly module: string;
  readonly attribute: string;
  readonly factory: boolean;
  readonly args: readonly string[];
  readonly chdir: string;
  /** What comes before the interpreter's own module path. */
  readonly path: readonly string[];
  readonly threads: number;
  readonly multiprocess: boolean;
  /** How much of a reply it may send before the client has taken it, and of a request's body it is given at once. */
  readonly windowBytes: number;
  /** How long all of its threads may be silent; 0 for ever. */
  readonly timeoutMs: number;
  readonly lookEveryMs: number;
  /** `wsgiref.validate` stands before the application. */
  readonly validate: boolean;
  readonly software: string;
}

/** How a worker treats its clients; durations are milliseconds, 0 is no limit. */
export interface ClientOrder {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly limitConcurrency: number;
  readonly sizes: SizeLimits;
  /** Somebody asked for it: it counts more than what a program's own server says. */
  readonly isHeadersTimeoutGiven: boolean;
  readonly isBodyTimeoutGiven: boolean;
}

/** Who is to say first whose connection it is, and how. */
export interface ProxyOrder {
  readonly version: ProxyVersion;
  /** Who may, for `AddressList`; connections of anybody else are closed. */
  readonly allowFrom: readonly string[];
}

/** What the proxy has said of a connection. */
export interface Introduction {
  /** Absent where the connection's own far end is meant. */
  readonly client?: ProxiedClient;
}

/** How large a request may be, in bytes and in pieces; 0 is no limit. */
export interface SizeLimits {
  readonly requestLine: number;
  readonly requestFields: number;
  readonly requestFieldSize: number;
  readonly requestBody: number;
}

export interface AccessLogOrder {
  /** A path, or the descriptor of the server's standard output. */
  readonly place: { readonly file: string } | { readonly fd: number };
  /** As it was written in the settings. */
  readonly format: string;
}

/** A bound TCP address: textual, without brackets. */
export interface TcpAddress {
  readonly address: string;
  readonly port: number;
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
  /** It leaves, and has an idle connection, whose handle comes beside this, for another worker; it reads nothing meanwhile. */
  | { readonly tsgate: "connection-offered"; readonly token: number; readonly introduction?: Introduction }
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
