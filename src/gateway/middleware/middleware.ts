/** What a middleware is: an application around an application (PEP 3333, "Middleware: Components that Play Both Sides"). */

import { defineApplication } from "../define-application.ts";
import type { Application } from "../types.ts";

/** Wraps an application in another one. */
export type Middleware = (application: Application) => Application;

/**
 * Stacks middleware: the first sees the request first and the reply last. `compose(a, b)(application)` is
 * `a(b(application))`. The result is marked as `defineApplication` does. Throws a `TypeError` for what is no middleware.
 */
export function compose(...stack: readonly Middleware[]): Middleware {
  for (const middleware of stack) requireFunction(middleware, "compose takes middleware, functions of an application");
  return (application) => {
    requireFunction(application, "a middleware wraps an application, (environ, startResponse) => body");
    return defineApplication(stack.reduceRight(wrap, application));
  };
}

function wrap(application: Application, middleware: Middleware): Application {
  const wrapped: unknown = middleware(application);
  requireFunction(wrapped, `the middleware ${middleware.name || "without a name"} must return an application`);
  return wrapped as Application;
}

function requireFunction(value: unknown, message: string): void {
  if (typeof value !== "function") throw new TypeError(message);
}
