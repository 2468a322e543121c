/**
 * THE table of settings: one row each. Flags, variables, keys of the configuration file, validation, `--help`,
 * `--print-config` and `docs/settings.md` come out of it, and nothing about a setting is written anywhere else.
 * Names follow from the key (`setting-row.ts`); durations are milliseconds, sizes are bytes.
 */

import { defaultBind, defaultWorkers } from "./found-defaults.ts";
import { formatAddress, parseBindAddress } from "./bind-address.ts";
import {
  APPLICATION_KINDS,
  assignments,
  atLeastOne,
  many,
  one,
  onOff,
  optional,
  type SettingRow,
} from "./setting-row.ts";
import type { InterfaceName, LogFormat, LogLevel, Settings, Surge } from "./types.ts";
import { formatDuration, parseChoice, parseDuration, parseInteger, parseSurge, parseText } from "./values.ts";
import { parseImport, parseNodeArg } from "./node-options.ts";
import { parseWorkerCount } from "./worker-count.ts";

const INTERFACES: readonly InterfaceName[] = ["auto", "gateway", "node"];
const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];
const LOG_FORMATS: readonly LogFormat[] = ["auto", "pretty", "json"];

const kinds = APPLICATION_KINDS;
const duration = (minMs = 0) => one((value) => parseDuration(value, minMs), formatDuration);
const path = () => optional((value) => parseText(value, "a path"));

/** Every setting, by key; the order is that of `--help`. */
export const SETTINGS: { readonly [Key in keyof Settings]: SettingRow<Settings[Key]> } = {
  config: {
    group: "Process",
    short: "-c",
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "tsgate.config.{js,mjs,ts,json} if present",
    doc: "Configuration file: exports an object of settings and hooks, or a function that returns one; read afresh at every reload",
    kinds,
    takesEffect: "restart",
    inFile: false,
    isPath: true,
  },
  bind: {
    group: "Sockets",
    short: "-b",
    metavar: "ADDRESS",
    type: atLeastOne(many(parseBindAddress, formatAddress), "127.0.0.1:8000"),
    default: defaultBind,
    defaultText: "127.0.0.1:8000, or :$PORT",
    doc: "Address to listen on, may be repeated: host:port, :port or port (all addresses, IPv6 and IPv4), [::1]:port, unix:path, unix:@abstract, fd://n; port 0 picks a free one",
    kinds,
    takesEffect: "restart",
  },
  backlog: {
    group: "Sockets",
    metavar: "N",
    type: one((value) => parseInteger(value, 1, 65_535)),
    default: 2048,
    doc: "Connections that may wait to be accepted",
    kinds,
    takesEffect: "restart",
  },
  workers: {
    group: "Workers",
    short: "-w",
    metavar: "N",
    type: one(parseWorkerCount),
    default: defaultWorkers,
    defaultText:
      "$WEB_CONCURRENCY, else as many as CPUs (container quota respected) but no more than memory limit / 256 MB, at least 1",
    doc: "Worker processes",
    kinds,
    takesEffect: "reload",
  },
  surge: {
    group: "Workers",
    metavar: "N|%",
    type: one<Surge>(parseSurge, (surge) => (surge.kind === "percent" ? `${surge.value}%` : String(surge.value))),
    default: { kind: "percent", value: 25 },
    defaultText: "25%, at least 1",
    doc: "How many extra workers a reload may run at once: a count, or a share of the workers",
    kinds,
    takesEffect: "reload",
  },
  nodeArg: {
    group: "Workers",
    metavar: "ARG",
    type: many(parseNodeArg),
    default: [],
    defaultText: "none",
    doc: "Argument for Node in the workers, such as --max-old-space-size=512; may be repeated",
    kinds,
    takesEffect: "reload",
  },
  import: {
    group: "Workers",
    metavar: "SPEC",
    type: many(parseImport),
    default: [],
    defaultText: "none",
    doc: "Module that workers import before the application, such as tsx or ./instrument.mjs; may be repeated",
    kinds,
    takesEffect: "reload",
  },
  interface: {
    group: "Application",
    metavar: "NAME",
    type: one((value) => parseChoice(value, INTERFACES)),
    default: "auto",
    doc: "What the application is: auto finds out; gateway is (environ, startResponse) => body; node is (req, res)",
    kinds,
    takesEffect: "reload",
  },
  factory: {
    group: "Application",
    type: onOff(),
    default: false,
    doc: "The export is a function, sync or async, that returns the application",
    kinds,
    takesEffect: "reload",
  },
  preload: {
    group: "Application",
    type: onOff(),
    default: false,
    doc: "The master loads the application module before the first fork, at first start only; for modules without side effects",
    kinds,
    takesEffect: "restart",
  },
  waitReady: {
    group: "Application",
    type: onOff(),
    default: false,
    doc: "A worker is ready only after process.send('ready')",
    kinds,
    takesEffect: "reload",
  },
  env: {
    group: "Application",
    short: "-e",
    metavar: "K=V",
    type: assignments(),
    default: {},
    defaultText: "none",
    doc: "Variable for the workers, over the environment; may be repeated; in the configuration file an object",
    kinds,
    takesEffect: "reload",
  },
  envFile: {
    group: "Application",
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "File of variables for the workers, KEY=VALUE a line; does not override the environment, and holds nothing of tsgate's own",
    kinds,
    takesEffect: "reload",
    isPath: true,
  },
  timeout: {
    group: "Timeouts",
    short: "-t",
    metavar: "T",
    type: duration(),
    default: 30_000,
    doc: "Heartbeat silence after which a worker counts as hung and is replaced; 0 means never",
    kinds,
    takesEffect: "reload",
  },
  bootTimeout: {
    group: "Timeouts",
    metavar: "T",
    type: duration(),
    default: 60_000,
    doc: "Time from fork to ready; 0 means any",
    kinds,
    takesEffect: "reload",
  },
  gracefulTimeout: {
    group: "Timeouts",
    metavar: "T",
    type: duration(1),
    default: 30_000,
    doc: "Time that a worker has to finish its requests, at a stop, a reload and a replacement alike",
    kinds,
    takesEffect: "reload",
  },
  linger: {
    group: "Timeouts",
    metavar: "T",
    type: duration(),
    default: 5000,
    doc: "How long a draining worker keeps idle keep-alive connections open for one more request; ends with the graceful timeout at the latest",
    kinds,
    takesEffect: "reload",
  },
  shutdownDelay: {
    group: "Timeouts",
    metavar: "T",
    type: duration(),
    default: 0,
    doc: "After TERM: how long to go on serving while not ready, for load balancers",
    kinds,
    takesEffect: "reload",
  },
  giveUp: {
    group: "Timeouts",
    metavar: "T",
    type: duration(),
    default: 300_000,
    doc: "No worker ready for that long: exit 3; 0 means never",
    kinds,
    takesEffect: "reload",
  },
  keepAlive: {
    group: "Timeouts",
    metavar: "T",
    type: duration(1),
    default: 75_000,
    doc: "How long an idle keep-alive connection stays open; above the 60 s of common load balancers",
    kinds,
    takesEffect: "reload",
  },
  chdir: {
    group: "Process",
    metavar: "DIR",
    type: path(),
    default: undefined,
    defaultText: "where tsgate was started",
    doc: "Directory of the application; relative paths of other settings begin there, except that of the configuration file",
    kinds,
    takesEffect: "restart",
    isPath: true,
  },
  pid: {
    group: "Process",
    short: "-p",
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "Pidfile: refused while its process lives, recovered when stale, removed at exit",
    kinds,
    takesEffect: "restart",
    isPath: true,
  },
  name: {
    group: "Process",
    short: "-n",
    metavar: "TEXT",
    type: one((value) => parseText(value, "a name")),
    default: "tsgate",
    doc: "Name in the process titles and in each log record",
    kinds,
    takesEffect: "restart",
  },
  logLevel: {
    group: "Logging",
    metavar: "LEVEL",
    type: one((value) => parseChoice(value, LOG_LEVELS)),
    default: "info",
    doc: "Least important records to write: trace, debug, info, warn, error or fatal",
    kinds,
    takesEffect: "restart",
  },
  logFormat: {
    group: "Logging",
    metavar: "FORMAT",
    type: one((value) => parseChoice(value, LOG_FORMATS)),
    default: "auto",
    defaultText: "auto (pretty on a terminal, else json)",
    doc: "How records are written: auto, pretty or json",
    kinds,
    takesEffect: "restart",
  },
  logFile: {
    group: "Logging",
    alias: "--error-logfile",
    metavar: "FILE",
    type: optional((value) => (value === "-" ? undefined : parseText(value, "a path"))),
    default: undefined,
    defaultText: "stderr",
    doc: "Where records are written; - is stderr",
    kinds,
    takesEffect: "restart",
    isPath: true,
  },
};

/** The keys of all settings, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly (keyof Settings)[];

/** The row of `key`, for code that treats all settings alike. */
export function rowOf(key: keyof Settings): SettingRow<unknown> {
  return SETTINGS[key];
}
