/**
 * Files in front of the applications (`--static`), whatever kind these are. A request that is not for a file costs them
 * a look and no more: nothing of it is touched before it is known who answers.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { reportError } from "../errors.ts";
import type { FileRequest } from "../gateway/middleware/static/file-request.ts";
import type { StaticFiles } from "../gateway/middleware/static/static-files.ts";
import type { Reply } from "../gateway/middleware/on-reply.ts";
import { type Application, type NodeListenerOptions, type RequestName, toNodeListener } from "../gateway/index.ts";
import { parseTarget } from "../gateway/request-target.ts";
import type { Chunk, FileBody } from "../gateway/types.ts";
import type { StaticOrder } from "../boot-order.ts";
import { log } from "./channel.ts";

/** The folders, the one with the longest prefix first. What serves them is loaded only where there are any. */
export async function openStaticFiles(folders: readonly StaticOrder[]): Promise<readonly StaticFiles[]> {
  if (folders.length === 0) return [];
  const { StaticFiles } = await import("../gateway/middleware/static/static-files.ts");
  return [...folders].sort((a, b) => b.prefix.length - a.prefix.length).map((folder) => new StaticFiles(folder));
}

/** The listener with the files in front of it. */
export function filesFirst(files: readonly StaticFiles[], next: RequestListener): RequestListener {
  if (files.length === 0) return next;
  return (request, response) => {
    const asked = fileRequest(request);
    const able = asked === undefined ? [] : files.filter((folder) => folder.covers(asked.PATH_INFO));
    const goOn = (reply: Reply | undefined): void =>
      reply === undefined ? next(request, response) : send(reply, request, response);
    if (asked === undefined || able.length === 0) next(request, response);
    else firstReply(able, asked, goOn, (error) => send(failure(error), request, response));
  };
}

/** The application with the files in front of it. */
export function filesBefore(files: readonly StaticFiles[], application: Application): Application {
  if (files.length === 0) return application;
  return (environ, startResponse) => {
    const { REQUEST_METHOD: method, PATH_INFO: path } = environ;
    const able = method === "GET" || method === "HEAD" ? files.filter((folder) => folder.covers(path)) : [];
    if (able.length === 0) return application(environ, startResponse);
    const found = new Promise<Reply | undefined>((resolve) => {
      firstReply(able, environ, resolve, (error) => resolve(failure(error)));
    });
    return found.then((reply) => {
      if (reply === undefined) return application(environ, startResponse);
      startResponse(reply.status, reply.headers);
      return Array.isArray(reply.body) ? reply.body : ofFile(reply.body as FileBody);
    });
  };
}

/** Logs an error of a body of `filesBefore`; false for one that is not a file's. */
export function logFileError(error: unknown, request: RequestName): boolean {
  if (!fileErrors.has(error as object)) return false;
  logFailed(error, request);
  return true;
}

/** The body, with what it fails with noted as a file's and not the application's. */
function ofFile(body: FileBody): FileBody {
  return Object.assign(noteErrors(body), { close: () => body.close() });
}

async function* noteErrors(body: FileBody): AsyncGenerator<Chunk, undefined> {
  try {
    yield* body;
  } catch (error) {
    if (typeof error === "object" && error !== null) fileErrors.add(error);
    throw error;
  }
}

const fileErrors = new WeakSet<object>();

/** Asks one folder after the other; at once, where none has to wait for the disk. */
function firstReply(
  files: readonly StaticFiles[],
  asked: FileRequest,
  goOn: (reply: Reply | undefined) => void,
  failed: (error: unknown) => void,
): void {
  for (const [at, folder] of files.entries()) {
    const reply = folder.replyTo(asked);
    if (reply instanceof Promise) {
      const others = (found: Reply | undefined): void =>
        found === undefined ? firstReply(files.slice(at + 1), asked, goOn, failed) : goOn(found);
      void reply.then(others, failed);
      return;
    }
    if (reply !== undefined) return goOn(reply);
  }
  goOn(undefined);
}

/** Undefined for a request that is not to be read, or has no path. */
function fileRequest(request: IncomingMessage): FileRequest | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const target = parseTarget(request.url ?? "", request.method);
  return target === undefined ? undefined : new AskedOfNode(request, target.path, target.query);
}

/** The headers are looked at only where there is a file. */
class AskedOfNode implements FileRequest {
  readonly SCRIPT_NAME = "";
  readonly PATH_INFO: string;
  readonly QUERY_STRING: string;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage, path: string, query: string) {
    this.#request = request;
    this.PATH_INFO = path;
    this.QUERY_STRING = query;
  }

  get REQUEST_METHOD(): string {
    return this.#request.method as string;
  }

  get REQUEST_URI(): string {
    return this.#request.url as string;
  }

  get HTTP_ACCEPT_ENCODING(): string | undefined {
    return this.#request.headers["accept-encoding"];
  }

  get HTTP_IF_MATCH(): string | undefined {
    return this.#request.headers["if-match"];
  }

  get HTTP_IF_MODIFIED_SINCE(): string | undefined {
    return this.#request.headers["if-modified-since"];
  }

  get HTTP_IF_NONE_MATCH(): string | undefined {
    return this.#request.headers["if-none-match"];
  }

  get HTTP_IF_RANGE(): string | undefined {
    return this.#request.headers["if-range"] as string | undefined;
  }

  get HTTP_IF_UNMODIFIED_SINCE(): string | undefined {
    return this.#request.headers["if-unmodified-since"];
  }

  get HTTP_RANGE(): string | undefined {
    return this.#request.headers.range;
  }
}

/** A gateway's reply is sent as a gateway's. */
function send({ status, headers, body }: Reply, request: IncomingMessage, response: ServerResponse): void {
  const application: Application = (_environ, startResponse) => {
    startResponse(status, headers);
    return body;
  };
  toNodeListener(application, OPTIONS)(request, response);
}

const OPTIONS: NodeListenerOptions = { onError: logFailed };

function logFailed(error: unknown, { method, path, id }: RequestName): void {
  log("warn", "static file failed", { method, path, requestId: id, error: reportError(error) });
}

/** What the disk said is for the log; clients hear that it was not their fault. */
function failure(error: unknown): Reply {
  log("warn", "static file failed", { error: reportError(error) });
  return { status: 500, headers: [["Content-Type", "text/plain; charset=utf-8"]], body: ["Internal Server Error\n"] };
}
