/** A fetch handler as a gateway application, over Node's own Request and Response. */

import type { Application, Environ } from "../types.ts";

export type FetchHandler = (request: Request, environ: Environ) => Response | Promise<Response>;

export function installLightClasses(): void {}

export function fetchApplication(handler: FetchHandler): Application {
  return async (environ, startResponse) => {
    const headers = new Headers();
    for (const [key, value] of Object.entries(environ))
      if (key.startsWith("HTTP_")) headers.append(key.slice(5).replaceAll("_", "-"), String(value));
    if (environ.CONTENT_TYPE !== undefined) headers.set("content-type", environ.CONTENT_TYPE);
    const hasBody = environ.REQUEST_METHOD !== "GET" && environ.REQUEST_METHOD !== "HEAD";
    const url = `${environ["gateway.url_scheme"]}://${environ.HTTP_HOST ?? "localhost"}${environ.REQUEST_URI}`;
    const body = hasBody ? { body: ReadableStream.from(environ["gateway.input"]), duplex: "half" as const } : {};
    const response = await handler(
      new Request(url, { method: environ.REQUEST_METHOD, headers, signal: environ["gateway.signal"], ...body }),
      environ,
    );
    startResponse(response.status, [...response.headers]);
    return response.body === null ? [] : (response.body as AsyncIterable<Uint8Array>);
  };
}
