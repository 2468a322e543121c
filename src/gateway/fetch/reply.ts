/**
 * From what a fetch handler returned to what a gateway application answers: `startResponse` and a body. A light
 * response leaves as a list of one chunk, any other as its stream. Invariant: a body that is not handed on is cancelled.
 */

import { kindOf } from "../response-headers.ts";
import type { Body, Environ, StartResponse, Status } from "../types.ts";
import { isDecoded } from "./fetched-response.ts";
import { type LightParts, LightResponse } from "./light-response.ts";
import { sendableHeaders } from "./sendable-headers.ts";

/** Answers with a Response. Throws a `TypeError` that says why when there is none, or none that can be sent. */
export function reply(result: unknown, environ: Environ, startResponse: StartResponse): Body {
  const light = LightResponse.take(result);
  return light === undefined
    ? replyWithStream(checkResponse(result), environ, startResponse)
    : replyWithParts(light, environ, startResponse);
}

function replyWithParts(light: LightParts, environ: Environ, startResponse: StartResponse): Body {
  const { body } = light;
  // The length in an answer to HEAD is that of a body which is not there.
  const hasUnknownBody = body === null && environ.REQUEST_METHOD === "HEAD";
  startResponse(
    statusOf(light.status, light.statusText),
    sendableHeaders(light.headers, hasUnknownBody ? ALL_TRUE : KNOWN_BODY),
  );
  if (body !== null) return [body];
  return hasUnknownBody ? NO_CHUNKS : EMPTY_BODY;
}

function replyWithStream(response: Response, environ: Environ, startResponse: StartResponse): Body {
  const { body } = response;
  const isHead = environ.REQUEST_METHOD === "HEAD";
  const isUnencoded = isDecoded(response);
  const untrue = { contentLength: isUnencoded || (body === null && !isHead), contentEncoding: isUnencoded };
  try {
    const headers = [...response.headers] as [string, string][];
    startResponse(statusOf(response.status, response.statusText), sendableHeaders(headers, untrue));
  } catch (error) {
    discard(body);
    throw error;
  }
  if (!isHead) return body ?? EMPTY_BODY;
  discard(body);
  return NO_CHUNKS;
}

/** A Response of this Node or of another implementation that can be sent; its body has not been used. */
function checkResponse(result: unknown): Response {
  if (!isResponse(result)) {
    throw new TypeError(`the fetch handler returned ${kindOf(result)}; it must return a Response, or a promise of one`);
  }
  if (result.type === "error" || result.status === 0) {
    throw new TypeError("the fetch handler returned Response.error(), which says nothing that could be sent");
  }
  if (result.bodyUsed) {
    throw new TypeError("the fetch handler returned a Response whose body was used already; return a clone() of it");
  }
  if (result.body?.locked === true) {
    throw new TypeError("the fetch handler returned a Response whose body is locked by a reader");
  }
  return result;
}

/** Not `instanceof` alone: libraries bring fetch implementations of their own, undici for one. */
function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof LightResponse) return true;
  const { status, headers, body } = value as Partial<Response>;
  return typeof status === "number" && typeof headers?.getSetCookie === "function" && body !== undefined;
}

function statusOf(status: number, statusText: string): Status {
  if (statusText === "") return status;
  const reason = statusText.replaceAll("\t", " ").trim();
  return reason === "" ? status : `${status} ${reason}`;
}

function discard(body: Response["body"]): void {
  // What a source makes of being cancelled changes nothing for the client.
  body?.cancel().catch(() => {});
}

const ALL_TRUE = { contentLength: false, contentEncoding: false };
const KNOWN_BODY = { contentLength: true, contentEncoding: false };
const EMPTY_BODY: readonly never[] = [];

/** No list: of one the server would know the length, and say it. */
const NO_CHUNKS: Iterable<never> = { [Symbol.iterator]: () => EMPTY_BODY.values() };
