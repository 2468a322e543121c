/**
 * The environ of a request for the access log: the application's own, with what it and its middleware have put into it,
 * where it has one; else what the gateway would have made. Nothing of this happens unless the format asks for it.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Application, environOf, NodeExchange } from "../../gateway/index.ts";
import { targetAsSent } from "../mounted-listeners.ts";

/** An environ, for whoever only looks. */
export type Variables = Readonly<Record<string, unknown>>;

const environs = new WeakMap<IncomingMessage, Variables>();

/** Remembers the environ that `application` gets with each request of the listener that `serve` makes of it. */
export function rememberEnvirons(
  application: Application,
  serve: (application: Application) => RequestListener,
): RequestListener {
  let current: IncomingMessage | undefined;
  const listener = serve((environ, startResponse) => {
    // The listener calls the application before it returns.
    if (current !== undefined) environs.set(current, environ as unknown as Variables);
    return application(environ, startResponse);
  });
  return (request, response) => {
    current = request;
    listener(request, response);
    current = undefined;
  };
}

/** A variable of the request's environ as text; undefined where there is none. */
export function environVariable(
  request: IncomingMessage,
  response: ServerResponse | undefined,
  name: string,
): string | undefined {
  return variableIn(environs.get(request) ?? madeFor(request, response), name);
}

/** The same of an environ; undefined for what no line can show. */
export function variableIn(environ: Variables | undefined, name: string): string | undefined {
  const value = environ !== undefined && Object.hasOwn(environ, name) ? environ[name] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? `${value}` : undefined;
}

function madeFor(request: IncomingMessage, response: ServerResponse | undefined): Variables | undefined {
  if (response === undefined) return undefined;
  // The request may have been handed on below a prefix since it came.
  const sent = Object.create(request, { url: { value: targetAsSent(request) } }) as IncomingMessage;
  const environ = environOf(new NodeExchange(sent, response)) as unknown as Variables | undefined;
  if (environ !== undefined) environs.set(request, environ);
  return environ;
}
