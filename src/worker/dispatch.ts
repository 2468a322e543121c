/**
 * Which application answers a request of `node:http`, and how each kind of application is called there. An error that
 * an application throws or rejects with is that request's alone.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AddressList } from "../address-list.ts";
import { reportError } from "../errors.ts";
import { type NodeListenerOptions, type RequestName, toNodeListener } from "../gateway/index.ts";
import { RuleBreach } from "../gateway/validator/breach.ts";
import type { BootOrder } from "../messages.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import type { Applications } from "./applications.ts";
import { log } from "./channel.ts";
import type { LoadedApplication, ServerApplication, UpgradeListener } from "./load-application.ts";

export interface Dispatcher {
  readonly request: RequestListener;
  /** Undefined where no application takes upgrades. */
  readonly upgrade: UpgradeListener | undefined;
  /** Whether `100 Continue` is the application's business, which asks for it by reading. */
  readonly continuesByReading: boolean;
}

/** Puts the applications behind one listener. */
export function createDispatcher(
  { all }: Applications,
  { multiprocess, forwardedAllowIps }: Pick<BootOrder, "multiprocess" | "forwardedAllowIps">,
  requests: RequestWatch,
): Dispatcher {
  const app = (all[0] as Applications["all"][number]).app as Exclude<LoadedApplication, ServerApplication>;
  const trustedPeers = new AddressList(forwardedAllowIps);
  const options: NodeListenerOptions = { multiprocess, onError: logApplicationError, trustedPeers };
  return {
    request: requestListener(app, options, requests),
    upgrade: app.upgrade === undefined ? undefined : guardedUpgrade(app.upgrade),
    continuesByReading: app.interface !== "node",
  };
}

function requestListener(
  app: Exclude<LoadedApplication, ServerApplication>,
  options: NodeListenerOptions,
  requests: RequestWatch,
): RequestListener {
  if (app.interface === "node") return guarded(app.listener);
  return requests.listener(app.application, (application) => toNodeListener(application, options));
}

/** Answers 500, or cuts a reply that has begun, where the application throws or rejects. */
function guarded(listener: RequestListener): RequestListener {
  return (request, response) => {
    try {
      const outcome: unknown = listener(request, response);
      if (typeof outcome !== "object" || outcome === null) return;
      const refuse = (result: unknown): void => {
        if (isResponse(result) && !response.headersSent)
          failRequest(new TypeError(RETURNS_RESPONSE), request, response);
      };
      if (outcome instanceof Promise) outcome.then(refuse, (error: unknown) => failRequest(error, request, response));
      else refuse(outcome);
    } catch (error) {
      failRequest(error, request, response);
    }
  };
}

/** What a fetch handler returns; here nobody would send it. */
function isResponse(value: unknown): boolean {
  const { status, arrayBuffer } = (value ?? {}) as Partial<Response>;
  return typeof status === "number" && typeof arrayBuffer === "function";
}

const RETURNS_RESPONSE =
  "the (req, res) function returned a Response, which nobody sends: export { fetch }, or add --interface fetch";

/** A socket whose upgrade failed is of no use to anybody. */
function guardedUpgrade(upgrade: UpgradeListener): UpgradeListener {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const fail = (error: unknown): void => {
      logApplicationError(error, nameOf(request));
      socket.destroy();
    };
    try {
      const outcome: unknown = upgrade(request, socket, head);
      if (outcome instanceof Promise) outcome.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

function nameOf({ method = "", url = "", headers }: IncomingMessage): RequestName {
  return { method, path: url.split("?", 1)[0] ?? "", id: saneRequestId(headers[REQUEST_ID_HEADER]) };
}

function failRequest(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  logApplicationError(error, nameOf(request));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // But its id, by which it is found in the log.
  for (const name of response.getHeaderNames()) if (name !== REQUEST_ID_HEADER) response.removeHeader(name);
  response.writeHead(500, { "Content-Type": "text/plain" }).end("Internal Server Error\n");
}

function logApplicationError(error: unknown, { method, path, id }: RequestName): void {
  // The validator has told of it, with its rule.
  if (error instanceof RuleBreach) return;
  log("error", "application error", { method, path, requestId: id, error: reportError(error) });
}
