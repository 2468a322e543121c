/**
 * Loads the application's module and turns what it exports, or the server that it starts, into something that can be
 * put behind a transport, with the functions of its own life beside it. The master never runs this.
 */

import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { AppReference } from "../app-ref.ts";
import { EXIT, TsgateError } from "../errors.ts";
import type { FetchHandler } from "../gateway/fetch/index.ts";
import type { Application } from "../gateway/index.ts";
import type { InterfaceName } from "../config/types.ts";
import type { ApplicationOrder, BootOrder } from "../boot-order.ts";
import {
  describe,
  describeExport,
  isEmptyObject,
  listExports,
  memberOf,
  type ModuleExports,
} from "./describe-value.ts";
import { describeAsked, type HeldServer } from "./held-server.ts";
import {
  type Candidate,
  chooseExport,
  EXPECTED,
  type Identified,
  identify,
  isFinished,
  otherExports,
} from "./identify-application.ts";
import { applicationFailed, importModule, LIFECYCLE } from "./import-module.ts";
import { isHttpServer, type ListenCapture } from "./listen-capture.ts";
import { type Beside, lookBeside } from "./look-beside.ts";
import { validated } from "./validation.ts";
import type { PythonHost } from "./wsgi/python-host.ts";

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Common extends Beside {
  readonly found: string;
}

/** A program's own server; it brings its listeners, for upgrades too. */
export interface ServerApplication extends Common {
  readonly interface: "server";
  readonly held: HeldServer;
}

/** An application ready to be put behind a transport. */
export type LoadedApplication =
  | (Common & {
      readonly interface: "gateway" | "fetch";
      readonly application: Application;
      readonly upgrade: UpgradeListener | undefined;
    })
  | (Common & {
      readonly interface: "node";
      readonly listener: RequestListener;
      readonly upgrade: UpgradeListener | undefined;
    })
  | PythonApplication
  | ServerApplication;

/** A WSGI application: its interpreter is a process of its own. */
export interface PythonApplication extends Common {
  readonly interface: "wsgi";
  readonly application: Application;
  readonly upgrade: undefined;
  readonly python: PythonHost;
}

export interface LoadOptions {
  readonly order: Omit<ApplicationOrder, "mount"> & BootOrder;
  /** Others are or may be served beside it: it is no program, which would have the connections for itself. */
  readonly isAmongOthers: boolean;
  /** It counts as what the process was started with. */
  readonly isMain: boolean;
  readonly capture: ListenCapture;
  /** Resolves when the module waits for what its own server brings, which Node alone would wait for too. */
  readonly hasNothingLeft: Promise<void>;
  /** Told of an export that may be an application and is not served, because the module has told a server to listen. */
  readonly ignores: (ignored: Candidate, held: HeldServer) => void;
  /** Told what the application has not done yet and the boot waits for, and what would do if that does not say it. */
  readonly waits: (lacks: string, expected: string | undefined) => void;
}

/**
 * Imports the module and finds its application: a server that it has told to listen, else what it exports, else the
 * server that it will tell to listen.
 * @throws TsgateError exit 4; when the module itself failed, its error is the cause and keeps its own stack
 */
export async function loadApplication(options: LoadOptions): Promise<LoadedApplication> {
  const { app, factory, interface: wanted } = options.order;
  if (app.python !== undefined) return (await import("./wsgi/load-python.ts")).loadPython(options.order);
  const exports = (await Promise.race([importModule(app, options.isMain), options.hasNothingLeft])) ?? {};
  const chosen = chooseExport(exports, { exportName: app.exportName, wanted });
  if (chosen !== undefined && "problem" in chosen && options.capture.taken === undefined)
    throw refusal(app, chosen.problem);
  const candidate = chosen === undefined || "problem" in chosen ? undefined : chosen;
  const made = factory && candidate !== undefined ? await callFactory(app, candidate) : candidate;
  const held = options.capture.taken;
  if (held !== undefined) {
    if (made !== undefined && !belongsTo(held.server, made.value)) options.ignores(made, held);
    return program(held, exports);
  }
  if (made === undefined || (wanted === "server" && !isExportedServer(made))) return listening(options, exports);
  const identified = identify(made, wanted, otherExports(exports, made.name, app.text));
  if ("problem" in identified) throw refusal(app, identified.problem);
  if (identified.interface === "server" && options.isAmongOthers)
    throw refusal(app, `cannot stand beside mounts: its ${identified.found}, of kind server; ${AMONG_OTHERS}`);
  options.capture.takeOnly((server) => belongsTo(server, made.value));
  const prepared = await prepare(options, identified, exports, made.name);
  const late = options.capture.taken;
  options.capture.stopTaking();
  return late === undefined ? prepared : program(late, exports);
}

/** Whether a server is the one that an application's own `listen()` has made. */
function belongsTo(server: Server, application: unknown): boolean {
  if (memberOf(application, "server") === server) return true;
  return typeof application === "function" && server.listeners("request").includes(application);
}

function isExportedServer(made: Candidate): boolean {
  return !("problem" in identify(made, "server"));
}

/** Waits for a program that has loaded and does not listen yet. */
async function listening(
  { order, capture, waits, isAmongOthers }: LoadOptions,
  exports: ModuleExports,
): Promise<LoadedApplication> {
  const { interface: wanted, listenMatch } = order;
  if (isAmongOthers || (wanted !== "auto" && wanted !== "server")) {
    const expected = isAmongOthers && wanted === "auto" ? AMONG_OTHERS : EXPECTED[wanted];
    throw refusal(order.app, `exports no application: ${listExports(exports)}; ${expected}`);
  }
  const call = listenMatch === undefined ? "listen() on an HTTP server" : `listen(${listenMatch}) (--listen-match)`;
  const elsewhere = capture.elsewhere.map((asked) => describeAsked(asked)).join(", ");
  const instead = elsewhere === "" ? "" : `, only ${elsewhere}`;
  const lack = describeLack(exports, order.app.text, wanted);
  const isPlain = lack === "exports nothing" && instead === "";
  waits(`${lack} and did not call ${call}${instead}`, isPlain ? EXPECTED.auto : undefined);
  return program(await capture.whenTaken(), exports);
}

/** `exports nothing`, or what it exports instead of an application. */
function describeLack(exports: ModuleExports, file: string, wanted: InterfaceName): string {
  const names = Object.keys(exports).filter((name) => !(name === "default" && isEmptyObject(exports[name])));
  if (names.length === 0) return "exports nothing";
  const isOnlyNotAsked = wanted === "server" && exports.default !== undefined;
  if (isOnlyNotAsked && "found" in identify({ name: "default", value: exports.default }, "auto"))
    return "exports an application that --interface server leaves out";
  const other = otherExports(exports, undefined, file);
  return `exports no application${other === undefined ? ` (${listExports(exports)})` : ` by a usual name (${other})`}`;
}

function program(held: HeldServer, exports: ModuleExports): ServerApplication {
  const found = held.asked === undefined ? "an HTTP server" : `a program that calls ${describeAsked(held.asked)}`;
  return { interface: "server", held, found, ...lookBeside(exports, LIFECYCLE) };
}

async function callFactory(app: AppReference, candidate: Candidate): Promise<Candidate> {
  const { name, value } = candidate;
  const known = isFinished(value) ? identify(candidate, "auto") : undefined;
  if (known !== undefined && "found" in known)
    throw refusal(app, `needs no factory: its ${known.found.replace(", ", " is ")}; leave out --factory`);
  if (typeof value !== "function")
    throw refusal(app, `has no factory: its ${describeExport(name)} is ${describe(value)} (--factory)`);
  try {
    return { name, value: await (value as () => unknown)() };
  } catch (error) {
    throw applicationFailed(app, "failed in its factory", error);
  }
}

async function prepare(
  { order, capture }: LoadOptions,
  { interface: kind, value, found }: Identified,
  exports: ModuleExports,
  served: string,
): Promise<LoadedApplication> {
  const names = [...LIFECYCLE, ...(kind === "server" ? [] : ["upgrade"])].filter((name) => name !== served);
  const beside = lookBeside(exports, names);
  const upgrade = typeof exports.upgrade === "function" ? (exports.upgrade as UpgradeListener) : undefined;
  switch (kind) {
    case "gateway":
    case "fetch": {
      const plain = kind === "gateway" ? (value as Application) : await ofFetch(value, order.nativeFetch);
      const application = order.validate ? await validated(plain) : plain;
      return { interface: kind, application, upgrade, found, ...beside };
    }
    case "node":
      return { interface: kind, listener: await ready(order.app, toListener(value)), upgrade, found, ...beside };
    case "wsgi":
      throw refusal(order.app, "is no Python module");
    case "server":
      return { interface: kind, held: capture.take(await ready(order.app, toServer(value))), found, ...beside };
  }
}

async function ready<Result>(app: AppReference, made: Promise<Result>): Promise<Result> {
  try {
    return await made;
  } catch (error) {
    throw applicationFailed(app, "failed to become ready", error);
  }
}

/** The (req, res) function of a value that was recognised as one, or as a framework's application. */
async function toListener(value: unknown): Promise<RequestListener> {
  if (typeof value === "function") return value as RequestListener;
  const framework = value as { callback?(): RequestListener; ready?(): Promise<unknown>; routing?: RequestListener };
  if (framework.callback !== undefined) return framework.callback();
  await framework.ready?.();
  return (request, response) => framework.routing?.(request, response);
}

/** The server of a value that was recognised as one, or as a framework's application around one. */
async function toServer(value: unknown): Promise<Server> {
  if (isHttpServer(value)) return value;
  const framework = value as { init(): Promise<unknown>; getHttpServer(): Server };
  await framework.init();
  return framework.getHttpServer();
}

/** Node's fetch classes take memory and time to load: only workers that serve a fetch handler do. */
async function ofFetch(value: unknown, isNative: boolean): Promise<Application> {
  const { fetchApplication, installLightClasses } = await import("../gateway/fetch/index.ts");
  if (!isNative) installLightClasses();
  return fetchApplication(fetchHandler(value));
}

/** Called as a method of the object that it belongs to, whenever it is called: frameworks replace theirs. */
function fetchHandler(value: unknown): FetchHandler {
  if (memberOf(value, "fetch") === undefined) return value as FetchHandler;
  const owner = value as { fetch: FetchHandler };
  return (request, environ) => owner.fetch(request, environ);
}

const AMONG_OTHERS =
  "with --mount each exports a gateway application, a fetch handler, a (req, res) function or a framework's application, or is a Python module";

function refusal(app: AppReference, problem: string): TsgateError {
  return new TsgateError("APP_REFUSED", `application ${app.text} ${problem}`, {
    exitCode: EXIT.applicationFailedToLoad,
  });
}
