/**
 * Loads the application's module and turns what it exports into something a server can call, with the functions of its
 * own life beside it. The master never runs this, but with `--preload`.
 */

import fs from "node:fs";
import type { IncomingMessage, RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import type { AppReference } from "../app-ref.ts";
import { hintForModuleSyntax, locateSyntaxError } from "../config/syntax-error.ts";
import type { InterfaceName } from "../config/types.ts";
import { EXIT, messageOf, TsgateError } from "../errors.ts";
import type { Application } from "../gateway/index.ts";
import {
  type Candidate,
  chooseExport,
  describe,
  type Identified,
  identify,
  type ModuleExports,
} from "./identify-application.ts";

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The application's own life: optional exports beside it. */
export interface Lifecycle {
  readonly startup?: () => unknown;
  readonly health?: () => unknown;
  readonly beforeDrain?: () => unknown;
  readonly shutdown?: () => unknown;
}

/** An application ready to be put behind a transport. */
export type LoadedApplication = { readonly found: string; readonly lifecycle: Lifecycle } & (
  | { readonly interface: "gateway"; readonly application: Application }
  | { readonly interface: "node"; readonly listener: RequestListener; readonly upgrade: UpgradeListener | undefined }
);

export interface LoadOptions {
  readonly app: AppReference;
  readonly interface: InterfaceName;
  readonly factory: boolean;
}

/**
 * Imports the module and finds its application.
 * @throws TsgateError exit 4; when the module itself failed, its error is the cause and keeps its own stack
 */
export async function loadApplication({ app, interface: wanted, factory }: LoadOptions): Promise<LoadedApplication> {
  const exports = await importModule(app);
  const chosen = chooseExport(exports, app.exportName);
  if ("problem" in chosen) throw refusal(app, chosen.problem);
  const candidate = factory ? await callFactory(app, chosen) : chosen;
  const identified = identify(candidate, wanted);
  if ("problem" in identified) throw refusal(app, identified.problem);
  return { ...(await prepare(app, identified, exports)), found: identified.found, lifecycle: lifecycleOf(exports) };
}

async function importModule(app: AppReference): Promise<ModuleExports> {
  try {
    return exportsOf((await import(pathToFileURL(app.file).href)) as ModuleExports, app.file);
  } catch (error) {
    await locateSyntaxError(app.file, error);
    throw failure(app, "failed to load", error);
  }
}

/** A CommonJS module's exports are its own `module.exports`, whatever of them the import has made visible. */
function exportsOf(namespace: ModuleExports, file: string): ModuleExports {
  const own = createRequire(file).cache[fs.realpathSync(file)]?.exports as unknown;
  if ((typeof own !== "object" || own === null) && typeof own !== "function") return namespace;
  const all = { ...own } as ModuleExports;
  // Compilers make it a property that is not enumerable, so the copy lacks it.
  if ((own as ModuleExports).__esModule === true) return all;
  const isNamespaceLike = Object.getPrototypeOf(own) === Object.prototype;
  const beside = Object.entries(all).filter(
    ([name]) => isNamespaceLike || LIFECYCLE.includes(name) || name === "upgrade",
  );
  return { ...Object.fromEntries(beside), default: own };
}

async function callFactory(app: AppReference, { name, value }: Candidate): Promise<Candidate> {
  if (typeof value !== "function")
    throw refusal(app, `has no factory: its export "${name}" is ${describe(value)} (--factory)`);
  try {
    return { name, value: await (value as () => unknown)() };
  } catch (error) {
    throw failure(app, "failed in its factory", error);
  }
}

type Prepared =
  | { readonly interface: "gateway"; readonly application: Application }
  | { readonly interface: "node"; readonly listener: RequestListener; readonly upgrade: UpgradeListener | undefined };

async function prepare(
  app: AppReference,
  { interface: kind, value }: Identified,
  exports: ModuleExports,
): Promise<Prepared> {
  if (kind === "gateway") return { interface: kind, application: value as Application };
  const upgrade = typeof exports.upgrade === "function" ? (exports.upgrade as UpgradeListener) : undefined;
  try {
    return { interface: kind, listener: await toListener(value), upgrade };
  } catch (error) {
    throw failure(app, "failed to become ready", error);
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

const LIFECYCLE = ["startup", "health", "beforeDrain", "shutdown"];

function lifecycleOf(exports: ModuleExports): Lifecycle {
  return Object.fromEntries(
    LIFECYCLE.filter((name) => typeof exports[name] === "function").map((name) => [name, exports[name]]),
  );
}

function refusal(app: AppReference, problem: string): TsgateError {
  return new TsgateError("APP_REFUSED", `application ${app.text} ${problem}`, {
    exitCode: EXIT.applicationFailedToLoad,
  });
}

function failure(app: AppReference, what: string, cause: unknown): TsgateError {
  const message = `application ${app.text} ${what}: ${messageOf(cause)}${hintForModuleSyntax(cause)}`;
  return new TsgateError("APP_FAILED", message, { exitCode: EXIT.applicationFailedToLoad, cause });
}
