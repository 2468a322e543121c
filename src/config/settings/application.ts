/** What the application is, and what it gets to know. */

import { mounts } from "../mount.ts";
import { assignments, one, onOff, APPLICATION_KINDS, path, type SettingRows } from "../setting-row.ts";
import { staticFolders } from "../static-folder.ts";
import type { InterfaceName, TransportName } from "../types.ts";
import { parseChoice, parseInteger } from "../values.ts";

const TRANSPORTS: readonly TransportName[] = ["auto", "engine", "node"];
const INTERFACES: readonly InterfaceName[] = ["auto", ...APPLICATION_KINDS];

export const APPLICATION: SettingRows<
  | "interface"
  | "factory"
  | "mount"
  | "static"
  | "listenMatch"
  | "nativeFetch"
  | "transport"
  | "validate"
  | "preload"
  | "waitReady"
  | "env"
  | "envFile"
> = {
  interface: {
    metavar: "NAME",
    type: one((value) => parseChoice(value, INTERFACES)),
    default: "auto",
    doc: "What APP is: auto finds out; gateway is (environ, startResponse) => body; fetch is an object with a fetch(request) method, or a function named fetch; node is (req, res); server is an http.Server, or a program that calls listen() itself; wsgi is a Python module, package.module:callable",
    takesEffect: "reload",
  },
  factory: {
    type: onOff(),
    default: false,
    doc: "The export of APP is a function, sync or async, that returns the application",
    takesEffect: "reload",
  },
  mount: {
    metavar: "PREFIX=APP",
    type: mounts(),
    default: [],
    defaultText: "none",
    doc: "Another application below a prefix, such as /api=api.js, or of a host, such as host:api.example.org/v1=api.js; the longest prefix wins, and moves from PATH_INFO to SCRIPT_NAME; may be repeated; in the configuration file also an object",
    takesEffect: "reload",
  },
  static: {
    metavar: "PREFIX=DIR",
    type: staticFolders(),
    default: [],
    defaultText: "none",
    doc: "Files below a prefix, such as /assets=public, served before the application, which is asked for what is no file; may be repeated; in the configuration file also an object",
    kinds: ["gateway", "fetch", "node", "wsgi"],
    takesEffect: "reload",
  },
  listenMatch: {
    metavar: "PORT",
    type: one<number | undefined>(
      (value) => parseInteger(value, 0, 65_535),
      (port) => port?.toString(),
    ),
    default: undefined,
    defaultText: "the first",
    doc: "Of the program's own listen() calls, the one that gets tsgate's sockets: the one for this port; any other is shared by the workers as it is",
    kinds: ["server"],
    takesEffect: "reload",
  },
  nativeFetch: {
    type: onOff(),
    default: false,
    doc: "Keep Node's own Request and Response in the workers, in place of tsgate's lighter ones",
    kinds: ["fetch"],
    takesEffect: "reload",
  },
  transport: {
    metavar: "NAME",
    type: one((value) => parseChoice(value, TRANSPORTS)),
    default: "auto",
    doc: "What serves HTTP: engine is tsgate's own engine, for applications of kind gateway, fetch and wsgi; node is node:http, for any; auto is the engine where it can serve all of the applications, else node:http",
    takesEffect: "reload",
  },
  validate: {
    type: onOff(),
    default: false,
    doc: "Hold the application and the server to the rules of the gateway (docs/gateway.md): what breaks one is logged with the rule, and answered 500 where nothing was sent; for kind wsgi wsgiref.validate does that",
    kinds: ["gateway", "fetch", "wsgi"],
    takesEffect: "reload",
  },
  preload: {
    type: onOff(),
    default: false,
    doc: "The master loads the application module before the first fork, at first start only; for modules without side effects",
    kinds: ["gateway", "fetch", "node", "server"],
    takesEffect: "restart",
  },
  waitReady: {
    type: onOff(),
    default: false,
    doc: "A worker is ready only after process.send('ready')",
    takesEffect: "reload",
  },
  env: {
    short: "-e",
    metavar: "K=V",
    type: assignments(),
    default: {},
    defaultText: "none",
    doc: "Variable for the workers, over the environment; may be repeated; in the configuration file an object",
    takesEffect: "reload",
  },
  envFile: {
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "File of variables for the workers, KEY=VALUE a line; does not override the environment, and holds nothing of tsgate's own",
    takesEffect: "reload",
    isPath: true,
  },
};
