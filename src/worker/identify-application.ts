/**
 * What a module exports, recognised: which export is the application, and of which kind. Reads values only; loads and
 * starts nothing.
 */

import { isGatewayApplication } from "../gateway/index.ts";
import type { InterfaceName } from "../config/types.ts";

export type ModuleExports = Readonly<Record<string, unknown>>;

/** An application of a known kind; `found` says in words where it was and what it is. */
export interface Identified {
  readonly interface: Exclude<InterfaceName, "auto">;
  readonly value: unknown;
  readonly found: string;
}

export type Identification = Identified | { readonly problem: string };

/** A candidate: an exported value and the name of its export. */
export interface Candidate {
  readonly name: string;
  readonly value: unknown;
}

/** The export to serve: the named one, else `application`, else the default. */
export function chooseExport(
  exports: ModuleExports,
  exportName: string | undefined,
): Candidate | { readonly problem: string } {
  const names = Object.keys(exports);
  if (exportName !== undefined) {
    if (exportName in exports) return { name: exportName, value: exports[exportName] };
    return { problem: `has no export named "${exportName}"; ${listExports(exports)}` };
  }
  if (names.includes("application")) return { name: "application", value: exports.application };
  if (exports.default !== undefined) return { name: "default", value: exports.default };
  return { problem: `exports no application: ${listExports(exports)}; ${EXPECTED}` };
}

/** Recognises a value as an application of the kind asked for, or of whichever kind fits. */
export function identify({ name, value }: Candidate, wanted: InterfaceName): Identification {
  const where = name === "default" ? "default export" : `export "${name}"`;
  switch (wanted) {
    case "gateway":
      return typeof value === "function"
        ? found("gateway", value, where, "a gateway application")
        : misfit(where, value, GATEWAY);
    case "node":
      return asNode(where, value) ?? misfit(where, value, NODE);
    case "auto":
      return identifyAny(name, where, value);
  }
}

function identifyAny(name: string, where: string, value: unknown): Identification {
  if (isGatewayApplication(value)) return found("gateway", value, where, "a gateway application");
  const framework = asFramework(where, value);
  if (framework !== undefined) return framework;
  if (typeof value === "function") {
    if (isClass(value)) return misfit(where, value, EXPECTED);
    return name === "application"
      ? found("gateway", value, where, "a gateway application")
      : found("node", value, where, "a (req, res) function");
  }
  return misfit(where, value, EXPECTED);
}

function asNode(where: string, value: unknown): Identified | undefined {
  const framework = asFramework(where, value);
  if (framework !== undefined) return framework;
  return typeof value === "function" && !isClass(value)
    ? found("node", value, where, "a (req, res) function")
    : undefined;
}

/** Applications that bring their own shape: each is recognised by the methods that it is served through. */
function asFramework(where: string, value: unknown): Identified | undefined {
  const has = (...names: string[]): boolean => names.every((name) => typeof memberOf(value, name) === "function");
  if (typeof value === "function")
    return has("use", "handle") ? found("node", value, where, "an Express or Connect application") : undefined;
  if (has("callback", "use")) return found("node", value, where, "a Koa application");
  if (has("ready", "routing")) return found("node", value, where, "a Fastify application");
  return undefined;
}

/** One clause that lists what the module exports. */
export function listExports(exports: ModuleExports): string {
  const names = Object.keys(exports);
  if (names.length === 0) return "it exports nothing";
  return `it exports ${names.map((name) => `${name} (${describe(exports[name])})`).join(", ")}`;
}

/** A value in a few words: `a function with 2 parameters`, `an object with the keys a, b`. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Promise) return "a promise";
  if (typeof value === "function") {
    if (isClass(value)) return `the class ${value.name}`;
    return `a function with ${value.length} ${value.length === 1 ? "parameter" : "parameters"}`;
  }
  if (typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  const kind = value.constructor?.name;
  if (kind !== undefined && kind !== "Object") return `an instance of ${kind}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return "an empty object";
  return `an object with the keys ${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", …" : ""}`;
}

const GATEWAY = "a gateway application is a function (environ, startResponse)";
const NODE = "an application for node:http is a function (req, res) or a framework's application object";
const EXPECTED =
  "tsgate serves an export named application (environ, startResponse), a default export made by defineApplication(), " +
  "or a default export that is a (req, res) function or a framework's application";

function found(kind: Identified["interface"], value: unknown, where: string, what: string): Identified {
  return { interface: kind, value, found: `${where}, ${what}` };
}

function misfit(where: string, value: unknown, expected: string): { readonly problem: string } {
  const hint = hintFor(value);
  return { problem: `cannot be served: its ${where} is ${describe(value)}${hint}; ${expected}` };
}

/** What the value most likely is instead. */
function hintFor(value: unknown): string {
  if (value instanceof Promise) return "; a promise is awaited when it comes from a factory (--factory)";
  if (typeof memberOf(value, "fetch") === "function")
    return " (a fetch handler, a kind that this version does not serve)";
  if (typeof memberOf(value, "listen") === "function") return " (a server, a kind that this version does not serve)";
  if (describe(value) === "an empty object")
    return " (a program that calls listen() itself exports its application instead)";
  return "";
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && Function.prototype.toString.call(value).startsWith("class");
}

function memberOf(value: unknown, name: string): unknown {
  const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
  return isHolder ? (value as Record<string, unknown>)[name] : undefined;
}
