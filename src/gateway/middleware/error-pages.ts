/**
 * Pages in the place of bare error replies, and of the errors that an application throws before it has begun to send.
 * What an application has written itself, HTML or JSON, stays.
 */

import { STATUS_CODES } from "node:http";
import { defineApplication } from "../define-application.ts";
import type { Body, Chunk, Environ, Status } from "../types.ts";
import { codeOf, headerOf, withoutHeaders } from "./header-list.ts";
import { closeBody } from "./map-chunks.ts";
import type { Middleware } from "./middleware.ts";
import { onReply, type Reply } from "./on-reply.ts";

export interface Failure {
  readonly status: number;
  /** In words: `Not Found`. */
  readonly reason: string;
  readonly environ: Environ;
  /** What the application has thrown; undefined where it has answered. Not for the eyes of clients. */
  readonly error: unknown;
}

export interface ErrorPagesOptions {
  /** The page; undefined leaves the reply as it is. Default: a plain one with status and reason. */
  readonly render?: (failure: Failure) => Chunk | undefined;
  /** Its type. Default: `text/html; charset=utf-8`. */
  readonly contentType?: string;
}

/**
 * Replaces replies with a status from 400 on whose `Content-Type` is `text/plain` or missing, and answers for what the
 * application throws: that is written to `gateway.errors`, and the reply is a 500.
 */
export function errorPages(options: ErrorPagesOptions = {}): Middleware {
  const { render = plainPage, contentType = "text/html; charset=utf-8" } = options;
  return (application) =>
    defineApplication((environ, startResponse) => {
      const pageOf = (status: Status, error?: unknown): Chunk | undefined => {
        const code = codeOf(status);
        return render({ status: code, reason: STATUS_CODES[code] ?? "Error", environ, error });
      };
      const change = (reply: Reply): Reply => {
        const page = isBare(reply) ? pageOf(reply.status) : undefined;
        if (page === undefined) return reply;
        const headers = [...withoutHeaders(reply.headers, OF_THE_BODY), ["Content-Type", contentType] as const];
        return { status: reply.status, headers, body: inPlaceOf(reply.body, page) };
      };
      const onError = (error: unknown): Reply => {
        // The client has gone, and the application has noticed.
        if (error instanceof Error && error.name === "AbortError") throw error;
        report(environ, error);
        const page = pageOf(500, error);
        if (page === undefined) throw error;
        return { status: 500, headers: [["Content-Type", contentType]], body: [page] };
      };
      return onReply(application, environ, startResponse, change, { onError });
    });
}

/** A page that tells nothing but the status. */
function plainPage({ status, reason }: Failure): string {
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${status} ${reason}</title>\n<h1>${status} ${reason}</h1>\n</html>\n`;
}

function isBare({ status, headers }: Reply): boolean {
  if (codeOf(status) < 400) return false;
  const type = headerOf(headers, "content-type");
  return type === undefined || /^text\/plain\b/i.test(type);
}

/** The page, as a body that closes the one that it replaces. */
function inPlaceOf(body: Body, page: Chunk): Body {
  return Object.assign([page], { close: () => closeBody(body) });
}

function report(environ: Environ, error: unknown): void {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  environ["gateway.errors"].write(`${environ.REQUEST_METHOD} ${environ.REQUEST_URI.split("?", 1)[0]}: ${what}\n`);
}

/** Headers of the body that is replaced. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
] satisfies Lowercase<string>[]);
