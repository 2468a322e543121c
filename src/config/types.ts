/**
 * What a resolved configuration is, for everyone who reads it. Knows nothing of how it was found: the table of
 * settings is in `settings.ts`, the search for values in `resolve.ts`. Durations are milliseconds, sizes are bytes.
 */

import type { MountPoint } from "../mount-point.ts";

/** One address to listen on, as asked for. `host: null` means all addresses, IPv6 and IPv4. */
export type BindAddress =
  | { readonly kind: "tcp"; readonly host: string | null; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "abstract"; readonly name: string }
  | { readonly kind: "fd"; readonly fd: number };

/** How many extra workers a reload may run at once: a count, or a share of the target. */
export type Surge =
  { readonly kind: "count"; readonly value: number } | { readonly kind: "percent"; readonly value: number };

export type TransportName = "auto" | "engine" | "node";

export type InterfaceName = "auto" | "gateway" | "fetch" | "node" | "server" | "wsgi";

/** An application below a prefix. */
export interface Mount {
  readonly point: MountPoint;
  /** The application as written. */
  readonly app: string;
}

/** Files below a prefix, which has no slash at its end, but `/` for the root. */
export interface StaticFolder {
  readonly prefix: string;
  readonly directory: string;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";
export type LogFormat = "auto" | "pretty" | "json";
export type ProxyProtocol = "off" | "v1" | "v2" | "auto";
export type RequestIdChoice = "auto" | "on" | "off";

/** Every setting with its final value; keys are the camelCase keys of the configuration file. */
export interface Settings {
  readonly config: string | undefined;
  readonly bind: readonly BindAddress[];
  readonly backlog: number;
  readonly workers: number;
  readonly interface: InterfaceName;
  readonly factory: boolean;
  readonly mount: readonly Mount[];
  readonly static: readonly StaticFolder[];
  readonly listenMatch: number | undefined;
  readonly nativeFetch: boolean;
  readonly transport: TransportName;
  readonly validate: boolean;
  readonly preload: boolean;
  readonly waitReady: boolean;
  readonly timeout: number;
  readonly bootTimeout: number;
  readonly gracefulTimeout: number;
  readonly linger: number;
  readonly shutdownDelay: number;
  readonly surge: Surge;
  readonly giveUp: number;
  readonly workerConnections: number;
  readonly python: string | undefined;
  readonly pythonThreads: number;
  readonly pythonpath: readonly string[];
  readonly keepAlive: number;
  readonly maxRequests: number;
  readonly maxRequestsJitter: number;
  readonly maxWorkerAge: number;
  readonly maxMemory: number;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly sendTimeout: number;
  readonly responseTimeout: number;
  readonly limitConcurrency: number;
  readonly limitRequestLine: number;
  readonly limitRequestFields: number;
  readonly limitRequestFieldSize: number;
  readonly limitRequestBody: number;
  readonly headerMap: "drop" | "refuse";
  /** Entries of an `AddressList`. */
  readonly forwardedAllowIps: readonly string[];
  readonly proxyProtocol: ProxyProtocol;
  /** Entries of an `AddressList`. */
  readonly proxyAllowFrom: readonly string[];
  readonly chdir: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly envFile: string | undefined;
  readonly pid: string | undefined;
  readonly name: string;
  readonly nodeArg: readonly string[];
  readonly import: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly logFile: string | undefined;
  /** A path, or `-` for standard output. */
  readonly accessLogfile: string | undefined;
  readonly accessLogformat: string;
  readonly requestId: RequestIdChoice;
  readonly captureOutput: boolean;
  readonly adminBind: readonly BindAddress[];
  readonly adminTokenFile: string | undefined;
  readonly minReady: number;
  readonly controlSocket: string | undefined;
}

/** Where a value came from, later ones winning. */
export type Origin = "default" | "file" | "environment" | "command line";

/** A worker as hooks see it. */
export interface WorkerInfo {
  readonly slot: number;
  readonly id: number;
  readonly generation: number;
  readonly pid: number;
}

/** Functions of the configuration file. One that throws is logged and changes nothing else. */
export interface Hooks {
  /** In the master, before anything is bound or forked. */
  onStarting?(): unknown;
  /** In the master, when every worker of the first start is ready. */
  whenReady?(): unknown;
  /** In the master, when a reload begins. */
  onReload?(): unknown;
  /** In the master, before it exits. */
  onExit?(): unknown;
  /** In the master, after a worker has gone. */
  childExit?(worker: WorkerInfo, code: number | null, signal: string | null): unknown;
  /** In the master, when the wanted number of workers has changed. */
  workersChanged?(workers: number, before: number): unknown;
  /** In a worker, after the application has loaded. */
  postWorkerInit?(worker: WorkerInfo): unknown;
  /** In a worker, before it exits. */
  workerExit?(worker: WorkerInfo): unknown;
}

export const MASTER_HOOKS = ["onStarting", "whenReady", "onReload", "onExit", "childExit", "workersChanged"] as const;
export const WORKER_HOOKS = ["postWorkerInit", "workerExit"] as const;

/** A configuration found and checked: the settings, where each came from, and the file's hooks. */
export interface Configuration {
  readonly settings: Settings;
  /** The application as written: `file[:export]` or a package specifier; undefined where there are only mounts. */
  readonly app: string | undefined;
  /** What follows `--` on the command line: the application's arguments. */
  readonly appArgs: readonly string[];
  readonly origins: Readonly<Record<keyof Settings, Origin>>;
  readonly hooks: Hooks;
  /** Absolute path of the configuration file that was read, or undefined. */
  readonly configFile: string | undefined;
  /** Why there are this many workers, for the start line: `--workers`, `2 CPUs`, `memory limit 1 GB`, … */
  readonly workersReason: string;
  /** Bytes that the container may use, as they were when this was read; undefined when nothing limits it. */
  readonly memoryLimit: number | undefined;
  /** The variables of `--env-file` and `--env`, in the order in which they apply over the master's environment. */
  readonly workerEnv: Readonly<Record<string, string>>;
  /** What `adminTokenFile` holds. */
  readonly adminToken: string | undefined;
}
