/**
 * The mark by which a default export is known to be a gateway application and not a `(req, res)` listener: both are
 * functions of two arguments. The mark is a registered symbol, so that it holds across two copies of the package.
 */

import type { Application } from "./types.ts";

/** Marks a function as a gateway application and returns it. Throws a `TypeError` for anything but a function. */
export function defineApplication<A extends Application>(application: A): A {
  if (typeof application !== "function") {
    throw new TypeError("defineApplication takes a function (environ, startResponse) => body");
  }
  Object.defineProperty(application, MARK, { value: true, configurable: true });
  return application;
}

/** Whether `value` was made by `defineApplication`, of this copy of the package or another. */
export function isGatewayApplication(value: unknown): value is Application {
  return typeof value === "function" && (value as { [MARK]?: unknown })[MARK] === true;
}

const MARK: unique symbol = Symbol.for("tsgate.application") as never;
