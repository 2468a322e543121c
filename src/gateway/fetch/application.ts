/** A web fetch handler as a gateway application: environ to Request, Response to `startResponse` and a body. */

import { isThenable } from "../body.ts";
import { kindOf } from "../response-headers.ts";
import type { Application, Body, Environ } from "../types.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { hasLightClasses } from "./install.ts";
import { reply } from "./reply.ts";
import { nativeRequest, requestHeaders, requestMethod } from "./request-parts.ts";
import { requestUrl } from "./request-url.ts";

/** Answers a request; `environ` is that of the gateway (Hono has it as `c.env`). */
export type FetchHandler = (request: Request, environ: Environ) => Response | PromiseLike<Response>;

/**
 * Makes a gateway application of a fetch handler (Fetch standard, sections "Request class" and "Response class"). The
 * handler is called without `this`: bind it. TRACE and CONNECT, which no Request can hold, are answered 501, a host
 * that no URL can have 400. Of a Response the fields that belong to a connection are dropped, and Content-Length where
 * the body is known. The body of a Response that `fetch()` brought is sent as it then is, decoded: without
 * Content-Encoding and Content-Length; with the light classes also when it went into another Response.
 */
export function fetchApplication(handler: FetchHandler): Application {
  if (typeof handler !== "function") throw new TypeError(`a fetch handler is a function, not ${kindOf(handler)}`);
  return (environ, startResponse): Body | PromiseLike<Body> => {
    const result: unknown = handler(requestOf(environ), environ);
    return isThenable(result)
      ? result.then((response) => reply(response, environ, startResponse))
      : reply(result, environ, startResponse);
  };
}

function requestOf(environ: Environ): Request {
  const method = requestMethod(environ);
  const url = requestUrl(environ);
  if (hasLightClasses()) return new IncomingRequest(environ, url, method) as unknown as Request;
  return nativeRequest(environ, url, method, requestHeaders(environ));
}
