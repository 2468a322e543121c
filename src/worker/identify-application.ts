/**
 * What a module exports, recognised: which export is the application, and of which kind. Reads values only; loads and
 * starts nothing.
 */

import type { ApplicationKind } from "../config/setting-row.ts";
import type { InterfaceName } from "../config/types.ts";
import { isGatewayApplication } from "../gateway/index.ts";
import {
  describe,
  describeExport,
  hasMethods,
  isClass,
  isEmptyObject,
  listExports,
  memberOf,
  type ModuleExports,
} from "./describe-value.ts";
import { BESIDE } from "./import-module.ts";
import { isHttpServer } from "./listen-capture.ts";
import { hintFor, plainParameterCount } from "./near-misses.ts";

/** An application of a known kind; `found` says in words where it was and what it is. */
export interface Identified {
  readonly interface: ApplicationKind;
  readonly value: unknown;
  readonly found: string;
}

export interface Problem {
  readonly problem: string;
}

/** A candidate: an exported value and the name of its export. */
export interface Candidate {
  readonly name: string;
  readonly value: unknown;
}

/** Where an application is looked for when no export was named, in this order. */
const USUAL_NAMES = ["application", "default", "fetch"];

/** The export to serve: the named one, else the only one that can be meant; undefined when there is none at all. */
export function chooseExport(
  exports: ModuleExports,
  { exportName, wanted }: { readonly exportName: string | undefined; readonly wanted: InterfaceName },
): Candidate | Problem | undefined {
  if (exportName !== undefined) {
    if (exportName in exports) return { name: exportName, value: exports[exportName] };
    return { problem: `has no export named "${exportName}"; ${listExports(exports)}` };
  }
  const candidates = USUAL_NAMES.map((name) => ({ name, value: exports[name] })).filter(
    (candidate) => isSomething(candidate) && (isServable(candidate) || !isNamespace(candidate, exports)),
  );
  const fitting = wanted === "auto" ? candidates.filter((candidate) => isServable(candidate)) : [];
  return ambiguity(fitting) ?? fitting[0] ?? candidates[0];
}

/**
 * Recognises a value as an application of the kind asked for, or of whichever kind fits; `other` is what to say of the
 * module's other exports when it is neither.
 */
export function identify({ name, value }: Candidate, wanted: InterfaceName, other?: string): Identified | Problem {
  const found = wanted === "auto" ? recognise({ name, value }) : asKind(wanted, value);
  const where = describeExport(name);
  if (found !== undefined) return { interface: found.kind, value, found: `${where}, ${found.what}` };
  const remedy = other ?? wrongKind(value, wanted) ?? hintFor(value) ?? EXPECTED[wanted];
  return { problem: `cannot be served: its ${where} is ${describe(value)}; ${remedy}` };
}

/** A clause on an export that could be served and was not `refused`: it may have been meant; undefined for none. */
export function otherExports(exports: ModuleExports, refused: string | undefined, file: string): string | undefined {
  for (const [name, value] of Object.entries(exports)) {
    const found = name === refused || BESIDE.has(name) ? undefined : recognise({ name, value });
    if (found !== undefined) return `its ${describeExport(name)} is ${found.what}, which ${file}:${name} serves`;
  }
  return undefined;
}

/** Whether a function is an application already, whatever it would return when it is called. */
export function isFinished(value: unknown): boolean {
  return isGatewayApplication(value) || asFramework(value) !== undefined || asFetch(value) !== undefined;
}

interface Found {
  readonly kind: ApplicationKind;
  readonly what: string;
}

const GATEWAY: Found = { kind: "gateway", what: "a gateway application" };
const FETCH: Found = { kind: "fetch", what: "a fetch handler" };
const LISTENER: Found = { kind: "node", what: "a (req, res) function" };

function recognise({ name, value }: Candidate): Found | undefined {
  if (isGatewayApplication(value)) return GATEWAY;
  const known = asServer(value) ?? asFramework(value) ?? asFetch(value);
  if (known !== undefined) return known;
  if (typeof value !== "function" || isClass(value)) return undefined;
  if (name === "fetch") return FETCH;
  const count = plainParameterCount(value);
  if (count === 0 || count === 1) return undefined;
  return name === "application" ? GATEWAY : LISTENER;
}

function asKind(wanted: ApplicationKind, value: unknown): Found | undefined {
  const isFunction = typeof value === "function" && !isClass(value);
  const framework = asServer(value) ?? asFramework(value);
  switch (wanted) {
    case "gateway":
      return isFunction && framework === undefined ? GATEWAY : undefined;
    case "fetch":
      return (
        asFetch(value) ?? (isFunction && framework === undefined && !isGatewayApplication(value) ? FETCH : undefined)
      );
    case "node":
      if (framework?.kind === "node") return framework;
      return isFunction && !isGatewayApplication(value) ? LISTENER : undefined;
    case "server":
      return asServer(value);
    case "wsgi":
      return undefined;
  }
}

function asServer(value: unknown): Found | undefined {
  if (isHttpServer(value)) return { kind: "server", what: "an HTTP server" };
  return hasMethods(value, "getHttpServer", "init") ? { kind: "server", what: "a NestJS application" } : undefined;
}

/** Applications that bring their own shape: each is recognised by the methods that it is served through. */
function asFramework(value: unknown): Found | undefined {
  if (typeof value === "function")
    return hasMethods(value, "use", "handle") ? { kind: "node", what: "an Express or Connect application" } : undefined;
  if (hasMethods(value, "callback", "use")) return { kind: "node", what: "a Koa application" };
  if (hasMethods(value, "ready", "routing")) return { kind: "node", what: "a Fastify application" };
  return undefined;
}

function asFetch(value: unknown): Found | undefined {
  return hasMethods(value, "fetch") ? FETCH : undefined;
}

/** CommonJS that exports nothing has an empty object as its default. */
function isSomething({ value }: Candidate): boolean {
  return value !== undefined && !isEmptyObject(value);
}

/** The default of CommonJS that exports several things by name is only the object that holds them. */
function isNamespace({ name, value }: Candidate, exports: ModuleExports): boolean {
  if (name !== "default" || typeof value !== "object" || value === null) return false;
  const names = Object.keys(value);
  if (names.length === 0 || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return names.every((key) => Object.hasOwn(exports, key) || memberOf(value, key) === undefined);
}

function isServable(candidate: Candidate): boolean {
  return recognise(candidate) !== undefined;
}

/** Two different applications in one module: which is meant, only the user knows. */
function ambiguity(candidates: readonly Candidate[]): Problem | undefined {
  // Beside another application a function named fetch is a helper.
  const [first, ...others] = candidates.filter(({ name }) => name !== "fetch");
  const other = others.find((candidate) => first !== undefined && !isSame(first, candidate));
  if (first === undefined || other === undefined) return undefined;
  const [one, two] = [first, other].map((one) => `${describeExport(one.name)} (${recognise(one)?.what})`);
  return {
    problem: `has two applications, its ${one} and its ${two}; say which: ${first.name} or ${other.name}, after a colon`,
  };
}

function isSame(one: Candidate, other: Candidate): boolean {
  return one.value === other.value || (recognise(one)?.kind === "fetch" && recognise(other)?.kind === "fetch");
}

/** A clause on an application of another kind than the one that was asked for. */
function wrongKind(value: unknown, wanted: InterfaceName): string | undefined {
  const fitting = wanted === "auto" ? undefined : recognise({ name: "default", value });
  if (fitting === undefined || fitting.kind === wanted) return undefined;
  return `that is ${fitting.what}, of kind ${fitting.kind}: leave out --interface ${wanted}`;
}

/** What can be served, by the interface that was asked for. */
export const EXPECTED: Readonly<Record<InterfaceName, string>> = {
  auto:
    "tsgate serves an export named application (environ, startResponse), a default export made by defineApplication(), " +
    "an object with a fetch(request) method, a (req, res) function, a framework's application, an http.Server, " +
    "or a program that calls listen() itself (--interface server waits for one that does so late)",
  gateway: "a gateway application is a function (environ, startResponse)",
  fetch: "a fetch handler is an object with a fetch(request) method, or a function (request) that returns a Response",
  node: "an application for node:http is a function (req, res) or a framework's application object",
  server: "an application of kind server is an http.Server, or a program that calls listen() itself",
  wsgi: "an application of kind wsgi is a callable in a Python module, package.module:callable",
};
