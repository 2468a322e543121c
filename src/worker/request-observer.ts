/** Whoever wants to know of the requests that tsgate's sockets bring, beside those who answer them. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface RequestObserver {
  /**
   * A request has come, at `at` on the monotonic clock, and nobody has seen it yet. Twice for one whose `checkContinue`
   * listener emits it again.
   */
  begun(request: IncomingMessage, response: ServerResponse, at: number): void;
  /** The reply has ended at `at`, or its connection has, or the process does. Maybe more than once. */
  ended(response: ServerResponse, at: number): void;
  upgraded(request: IncomingMessage, socket: Duplex, at: number): void;
  /** What came cannot be read, or the connection broke; `response` is the reply that is due on it, if there is one. */
  failed(error: unknown, socket: Socket, response: ServerResponse | undefined): void;
  /** The server itself answers, past `response`, or something that never became a request. */
  refusing(status: number, socket: Socket, response: ServerResponse | undefined): void;
}
