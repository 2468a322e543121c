/** The environ of a request that the engine has served, for the access log: see `entry-environ.ts`. */

import { type Application, environOf } from "../../gateway/index.ts";
import type { HttpExchange } from "../../http/exchange.ts";
import { variableIn, type Variables } from "./entry-environ.ts";

const environs = new WeakMap<HttpExchange, Variables>();

/** The application, whose environs are remembered; `current` tells whose call is being made. */
export function rememberExchangeEnvirons(
  application: Application,
  current: () => HttpExchange | undefined,
): Application {
  return (environ, startResponse) => {
    const exchange = current();
    if (exchange !== undefined) environs.set(exchange, environ as unknown as Variables);
    return application(environ, startResponse);
  };
}

/** A variable of the request's environ as text; undefined where there is none. */
export function exchangeVariable(exchange: HttpExchange, name: string): string | undefined {
  return variableIn(environs.get(exchange) ?? madeFor(exchange), name);
}

function madeFor(exchange: HttpExchange): Variables | undefined {
  if (exchange.unread !== undefined) return undefined;
  const environ = environOf(exchange) as unknown as Variables | undefined;
  if (environ !== undefined) environs.set(exchange, environ);
  return environ;
}
