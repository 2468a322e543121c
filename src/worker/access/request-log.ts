/**
 * Every request that tsgate's sockets bring to a server, told to the access log when its reply has ended. Each has
 * exactly one line: also one that the server itself refused, that was upgraded, whose client went away, or that was in
 * flight when the process ended.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connectionOf } from "../connection-slot.ts";
import type { RequestObserver } from "../request-observer.ts";
import { COUNTED, countBodies, countBodiesOf, type CountedResponse } from "./body-bytes.ts";
import type { LineWriter } from "./line-writer.ts";
import { peerAddress } from "./peer-address.ts";
import { whenAnswered } from "./raw-answer.ts";
import { refusalStatus, refusedEntry } from "./refused-entry.ts";
import { RequestEntry } from "./request-entry.ts";

type LoggedResponse = CountedResponse<RequestEntry>;

export class RequestLog implements RequestObserver {
  readonly #lines: LineWriter;
  /** Those that nobody has answered. */
  readonly #upgrades = new Set<RequestEntry>();

  constructor(lines: LineWriter) {
    this.#lines = lines;
    countBodies((response) => this.#endsUnannounced(response));
  }

  begun(request: IncomingMessage, response: LoggedResponse, at: number): void {
    if (response[COUNTED] !== undefined) return;
    response[COUNTED] = new RequestEntry(request, response, at);
    // Another class, which is not loaded here for its own sake.
    if (request.httpVersionMajor === 2) countBodiesOf(Object.getPrototypeOf(response) as object);
  }

  ended(response: LoggedResponse, at: number): void {
    const entry = response[COUNTED];
    if (entry !== undefined && !entry.isOver) this.#end(entry, at);
  }

  upgraded(request: IncomingMessage, socket: Duplex, at: number): void {
    // A CONNECT of HTTP/2 has a reply like any other, but that nobody else follows it.
    if ("writeHead" in socket) return this.#follow(request, socket as unknown as ServerResponse, at);
    const entry = new RequestEntry(request, undefined, at);
    this.#upgrades.add(entry);
    whenAnswered(socket, (status) => {
      entry.answered = status;
      this.#upgrades.delete(entry);
      if (!entry.isOver) this.#end(entry, performance.now());
    });
  }

  /** It is answered past any reply, by Node or by the application's own listener. */
  failed(error: unknown, socket: Socket, response: LoggedResponse | undefined): void {
    const usual = refusalStatus(error);
    // Nothing was asked for where nothing came.
    if (usual === undefined || socket.bytesRead === 0) return;
    const address = peerAddress(socket);
    whenAnswered(socket, (status = usual) => this.#answeredPast(response, status, address, error));
  }

  refusing(status: number, socket: Socket, response: LoggedResponse | undefined): void {
    this.#answeredPast(response, status, peerAddress(socket), undefined);
  }

  /** Ends the lines of upgrades that nobody has answered: the process ends. */
  endUpgrades(): void {
    for (const entry of this.#upgrades) this.#end(entry, performance.now());
  }

  #answeredPast(
    response: LoggedResponse | undefined,
    status: number,
    address: string | undefined,
    error: unknown,
  ): void {
    const entry = response?.[COUNTED];
    if (entry !== undefined) entry.answered = status;
    else this.#lines.write(refusedEntry(error, { address, status, endedAt: this.#lines.epoch(performance.now()) }));
  }

  /** Some of Node's own refusals, as that of a request without Host, are replies to requests that it emits to nobody. */
  #endsUnannounced(response: ServerResponse): void {
    const isObserved = connectionOf(response.req.socket)?.observer !== undefined;
    // An upgrade that its application answers through a response of its own has its line.
    if (isObserved && (response.req as { upgrade?: unknown }).upgrade !== true)
      this.#follow(response.req, response, performance.now());
  }

  #follow(request: IncomingMessage, response: ServerResponse, at: number): void {
    this.begun(request, response, at);
    response.on("close", () => this.ended(response, performance.now()));
  }

  #end(entry: RequestEntry, at: number): void {
    entry.isOver = true;
    entry.durationMs = at - entry.startedAt;
    entry.endedAt = this.#lines.epoch(at);
    entry.isCut = isCut(entry);
    this.#lines.write(entry);
  }
}

/** An upgrade is whole when it is answered; HTTP/2 says in other words that a reply has ended. */
function isCut({ response, answered }: RequestEntry): boolean {
  if (response === undefined) return answered === undefined;
  return !(response.writableFinished ?? response.writableEnded);
}
