/**
 * Whether a request of `node:http` may come to its application: what is too large, and what comes at the limit of
 * concurrency, the worker answers by itself, and at once.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { lingerAtClose } from "../gateway/node-lingering-close.ts";
import { Admission } from "./admission.ts";
import { currentReply } from "./client-look.ts";
import type { Connections } from "./connections.ts";
import type { HttpConnection } from "./http-connection.ts";
import { closeUnlessWhole, closeWith, refuseForNow, refuseForSize, refuseUpgrade } from "./refusals.ts";
import { countBody, sizeStatus } from "./request-size.ts";

export class RequestGate {
  readonly #connections: Connections;
  readonly #admission = new Admission();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** False: it has been refused. */
  admits(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): boolean {
    const { limits } = connection;
    if (limits === undefined) return true;
    const { concurrency, sizes } = limits;
    const status = this.#refusalForSize(connection, request);
    if (status !== undefined) {
      refuseForSize(status, request, response);
      return false;
    }
    if (concurrency > 0 && !this.#admission.admit(connection, response, concurrency)) {
      this.#connections.refused("too many", { limitConcurrency: concurrency });
      refuseForNow(request, response);
      return false;
    }
    if (request.httpVersionMajor !== 1 || sizes.requestBody === 0) return true;
    const isCounted = countBody(request, sizes.requestBody, () => this.#cutBody(connection, request, response));
    if (isCounted) response.on("close", () => closeUnlessWhole(request));
    return true;
  }

  /** The same for a request that asks for another protocol. */
  admitsUpgrade(connection: HttpConnection, request: IncomingMessage, socket: Duplex): boolean {
    const status = this.#refusalForSize(connection, request);
    if (status !== undefined) refuseUpgrade(status, socket);
    return status === undefined;
  }

  /** The connection is gone. */
  gone(connection: HttpConnection): void {
    this.#admission.gone(connection);
  }

  /** The status for one that is too large, which is counted as refused. */
  #refusalForSize({ limits }: HttpConnection, request: IncomingMessage): 413 | 414 | 431 | undefined {
    const status = limits && request.httpVersionMajor === 1 ? sizeStatus(request, limits.sizes) : undefined;
    if (status !== undefined) this.#connections.refused(status === 413 ? "body too large" : "head too large");
    return status;
  }

  /** More of a body has come than may: whoever reads it hears that the client is gone. */
  #cutBody(connection: HttpConnection, request: IncomingMessage, response: ServerResponse): void {
    const { observer, socket } = connection;
    this.#connections.refused("body too large");
    const canAnswer = currentReply(connection) === response && !response.headersSent && socket.writableLength === 0;
    if (!canAnswer || !socket.writable) return void socket.destroy();
    observer?.refusing(413, socket, response);
    lingerAtClose(request);
    closeWith(413, socket);
  }
}
