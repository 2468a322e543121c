/**
 * One client connection over a raw socket, one request at a time, never a second try. It says how each request ended,
 * and it says it from what the kernel knows, not from how long something took:
 *
 *  - `reset`              the connection ended by a reset while the request was in flight, or after part of the reply
 *  - `closedBeforeReply`  the server ended the connection in good order without a byte of reply
 *  - `crossed`            the server had closed the idle connection before the request's first byte reached it
 *
 * `crossed` is no failure of the server: nobody can answer what arrives after the end. It is proved as follows, for
 * requests on a connection that had been idle, and small enough to arrive in one piece:
 *
 *  - A server that closes a socket while a request waits in its buffer sends a reset and no FIN: here an ECONNRESET,
 *    hence `reset`. So does one that dies. A request that arrived in time can never look like `crossed` this way.
 *  - A server that has read the request and closes sends a FIN: here an end of stream; a further byte written then
 *    is accepted by our kernel, hence `closedBeforeReply`.
 *  - A request that reaches a socket already closed is answered by the server's kernel with a reset, after the FIN that
 *    had come before: here an end of stream, and a further byte is refused with EPIPE. That is `crossed` on TCP.
 *  - On a unix socket the write of the request itself is refused with EPIPE when the peer has closed before it.
 *
 * A server that only shuts down its sending side and goes on reading gives no such proof and is charged with
 * `closedBeforeReply`. The user of a connection lets the event loop read once before it writes (`afterIdle`), so that
 * an end already received is seen and no request is written at all.
 */

import net from "node:net";
import { ReplyParser } from "./reply-parser.mjs";

/** @typedef {{ readonly host: string; readonly port: number } | { readonly path: string }} Target */
/** @typedef {import("./reply-parser.mjs").Reply} Reply */

/**
 * @typedef {object} RequestShape what to ask
 * @property {string} [method]
 * @property {string} [path]
 * @property {readonly (readonly [string, string])[]} [headers]
 * @property {number} [bodyBytes] the length of a body to send
 * @property {{ readonly bytes: number, readonly everyMs: number }} [drip] the request is sent in pieces of that length,
 *   one each `everyMs`
 * @property {number} [readEveryMs] after each piece of the reply nothing is read for that long
 */

/** @typedef {"ok" | "badStatus" | "reset" | "closedBeforeReply" | "refused" | "timedOut" | "crossed" | "clientError"} Outcome */

/**
 * @typedef {object} Exchange how a request ended
 * @property {Outcome} outcome
 * @property {string} detail the error code or what was wrong; empty when nothing was
 * @property {number} startedAt epoch milliseconds
 * @property {number} endedAt epoch milliseconds
 * @property {number} bytesReceived
 * @property {Reply} [reply] the whole reply
 */

/** What happened to a connection while no request was in flight. */
/** @typedef {"closed" | "reset" | "unsolicited"} IdleEvent */

/** A request of more bytes than this may be read in parts, and is never counted as crossed. */
const ONE_PIECE_BYTES = 32_768;
/** Long enough for a reset that the kernel owes us to be there, before the probing write. */
const PROBE_AFTER_MS = 20;

/** Epoch milliseconds with a fraction, from the monotonic clock. */
export const now = () => performance.timeOrigin + performance.now();

export class Connection {
  #socket;
  #isUnix;
  #timeoutMs;
  #onIdleEvent;
  /** @type {Flight | undefined} */
  #flight;
  #ended = false;
  /** Epoch milliseconds at which the connection was established. */
  openedAt = 0;
  /** Complete replies on this connection. */
  replies = 0;
  /** @type {number | undefined} The pid that the last reply named in `x-worker-pid`. */
  lastPid;

  /**
   * @param {net.Socket} socket an established one
   * @param {Target} target what it is connected to
   * @param {{ timeoutMs: number, onIdleEvent: (event: IdleEvent) => void }} options
   */
  constructor(socket, target, { timeoutMs, onIdleEvent }) {
    this.#socket = socket;
    /** The port on our side, which names the connection in the system's tables; undefined on a unix socket. */
    this.localPort = socket.localPort;
    this.#isUnix = "path" in target;
    this.#timeoutMs = timeoutMs;
    this.#onIdleEvent = onIdleEvent;
    this.openedAt = now();
    socket.on("data", (chunk) => this.#received(chunk));
    socket.on("end", () => this.#endReceived());
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", () => this.#gone());
  }

  /** Whether another request may be written, as far as has been read. */
  get isOpen() {
    return !this.#ended && !this.#socket.destroyed;
  }

  /**
   * Sends a request and waits for how it ends; never rejects.
   * @param {RequestShape} shape
   * @param {{ afterIdle?: boolean, closes?: boolean }} [options] `afterIdle`: the connection had been idle before;
   *   `closes`: ask the server to close after the reply
   * @returns {Promise<Exchange>}
   */
  request(shape, { afterIdle = false, closes = false } = {}) {
    if (this.#flight !== undefined) throw new Error("a request is in flight on this connection");
    const bytes = requestBytes(shape, closes);
    return new Promise((resolve) => {
      const flight = new Flight(shape.method ?? "GET", afterIdle && bytes.length <= ONE_PIECE_BYTES, resolve);
      this.#flight = flight;
      flight.timer = setTimeout(() => this.#end("timedOut", `no reply in ${this.#timeoutMs} ms`), this.#timeoutMs);
      flight.readEveryMs = shape.readEveryMs ?? 0;
      if (shape.drip === undefined) this.#socket.write(bytes);
      else this.#drip(flight, bytes, shape.drip);
      // An error of this very write is reported before the event loop turns; later ones come from elsewhere.
      setImmediate(() => {
        flight.isWritten = true;
      });
    });
  }

  /** Closes our side; what is in flight is forgotten. */
  close() {
    this.#ended = true;
    this.#flight?.forget();
    this.#flight = undefined;
    this.#socket.destroy();
  }

  /**
   * @param {Flight} flight
   * @param {Buffer} bytes
   * @param {{ readonly bytes: number, readonly everyMs: number }} pace
   */
  #drip(flight, bytes, pace) {
    if (this.#flight !== flight || this.#socket.destroyed) return;
    this.#socket.write(bytes.subarray(0, pace.bytes));
    if (bytes.length > pace.bytes) setTimeout(() => this.#drip(flight, bytes.subarray(pace.bytes), pace), pace.everyMs);
  }

  /** @param {Buffer} chunk */
  #received(chunk) {
    const flight = this.#flight;
    if (flight === undefined) {
      this.#idle("unsolicited");
      return;
    }
    flight.bytesReceived += chunk.length;
    if (flight.readEveryMs > 0) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), flight.readEveryMs);
    }
    let reply;
    try {
      reply = flight.parser.push(chunk);
    } catch (error) {
      this.#end("badStatus", `not a reply: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    this.#sawPid(flight.parser.head?.headers.get("x-worker-pid"));
    if (reply !== undefined) this.#complete(reply);
  }

  /** @param {string | undefined} value */
  #sawPid(value) {
    if (value !== undefined) this.lastPid = Number(value);
  }

  /** @param {Reply} reply */
  #complete(reply) {
    this.replies += 1;
    if (reply.mustClose) this.#ended = true;
    const isGood = reply.status >= 200 && reply.status < 300;
    this.#end(isGood ? "ok" : "badStatus", isGood ? "" : `status ${reply.status}`, reply);
    if (reply.mustClose) this.#socket.destroy();
  }

  #endReceived() {
    if (this.#ended) return;
    const flight = this.#flight;
    if (flight === undefined) {
      this.#idle("closed");
      return;
    }
    this.#ended = true;
    const reply = flight.parser.finish();
    if (reply !== undefined) this.#complete(reply);
    else if (flight.bytesReceived > 0) this.#end("reset", "closed in the middle of the reply");
    else if (!flight.mayCross || this.#isUnix) this.#end("closedBeforeReply", "FIN");
    else setTimeout(() => this.#probe(flight), PROBE_AFTER_MS);
  }

  /**
   * The server has ended the connection without a byte: had it closed before the request arrived?
   * @param {Flight} flight
   */
  #probe(flight) {
    if (this.#flight !== flight) return;
    this.#socket.write("\n", (error) => {
      const isCrossed =
        error !== null && error !== undefined && /** @type {NodeJS.ErrnoException} */ (error).code === "EPIPE";
      if (isCrossed) this.#end("crossed", "FIN before the request");
      else this.#end("closedBeforeReply", "FIN");
    });
  }

  /** @param {NodeJS.ErrnoException} error */
  #failed(error) {
    const flight = this.#flight;
    const code = error.code ?? error.message;
    if (flight === undefined) this.#idle("reset");
    else if (this.#ended) return;
    else if (!flight.isWritten && flight.mayCross && error.syscall === "write")
      this.#end("crossed", `${code} on write`);
    else this.#end("reset", code);
  }

  #gone() {
    if (this.#flight === undefined) this.#idle("closed");
    else if (!this.#ended) this.#end("reset", "closed");
  }

  /** @param {IdleEvent} event */
  #idle(event) {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#onIdleEvent(event);
  }

  /**
   * @param {Outcome} outcome
   * @param {string} detail
   * @param {Reply} [reply]
   */
  #end(outcome, detail, reply) {
    const flight = this.#flight;
    if (flight === undefined) return;
    this.#flight = undefined;
    if (outcome !== "ok" && reply === undefined) {
      this.#ended = true;
      this.#socket.destroy();
    }
    flight.settle(outcome, detail, reply);
  }
}

/** A request in flight. */
class Flight {
  #resolve;
  /** @type {NodeJS.Timeout | undefined} */
  timer;
  startedAt = now();
  bytesReceived = 0;
  isWritten = false;
  readEveryMs = 0;

  /**
   * @param {string} method
   * @param {boolean} mayCross
   * @param {(exchange: Exchange) => void} resolve
   */
  constructor(method, mayCross, resolve) {
    this.parser = new ReplyParser(method);
    this.mayCross = mayCross;
    this.#resolve = resolve;
  }

  /**
   * @param {Outcome} outcome
   * @param {string} detail
   * @param {Reply} [reply]
   */
  settle(outcome, detail, reply) {
    this.forget();
    const { startedAt, bytesReceived } = this;
    const ended = { outcome, detail, startedAt, endedAt: now(), bytesReceived };
    this.#resolve(reply === undefined ? ended : { ...ended, reply });
  }

  forget() {
    clearTimeout(this.timer);
  }
}

/**
 * Connects; never rejects.
 * @param {Target} target
 * @param {{ timeoutMs: number, onIdleEvent: (event: IdleEvent) => void }} options
 * @returns {Promise<Connection | Exchange>} the connection, or how the attempt ended
 */
export function connect(target, options) {
  const startedAt = now();
  return new Promise((resolve) => {
    const socket = net.connect({ ...target, allowHalfOpen: true });
    socket.setNoDelay(true);
    /** @type {(outcome: Outcome, detail: string) => void} */
    const give = (outcome, detail) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ outcome, detail, startedAt, endedAt: now(), bytesReceived: 0 });
    };
    const timer = setTimeout(() => give("timedOut", `no connection in ${options.timeoutMs} ms`), options.timeoutMs);
    /** @type {(error: NodeJS.ErrnoException) => void} */
    const failed = (error) => give(connectOutcome(error.code), error.code ?? error.message);
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      resolve(new Connection(socket, target, options));
    });
  });
}

/**
 * One request on a connection of its own, for tests that ask once.
 * @param {Target} target
 * @param {RequestShape} [shape]
 * @param {{ timeoutMs?: number }} [options]
 * @returns {Promise<Exchange>}
 */
export async function requestOnce(target, shape = {}, { timeoutMs = 30_000 } = {}) {
  const connection = await connect(target, { timeoutMs, onIdleEvent: () => {} });
  if (!(connection instanceof Connection)) return connection;
  const exchange = await connection.request(shape, { closes: true });
  connection.close();
  return exchange;
}

/**
 * @param {string | undefined} code
 * @returns {Outcome}
 */
function connectOutcome(code) {
  if (code === "ETIMEDOUT") return "timedOut";
  if (code === "ECONNRESET") return "reset";
  // These are shortages on our side and say nothing of the server.
  if (code === "EADDRNOTAVAIL" || code === "EMFILE" || code === "ENFILE" || code === "ENOBUFS") return "clientError";
  return "refused";
}

/**
 * @param {RequestShape} shape
 * @param {boolean} closes
 */
function requestBytes({ method = "GET", path = "/", headers = [], bodyBytes = 0 }, closes) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  if (bodyBytes > 0) lines.push(`Content-Length: ${bodyBytes}`);
  if (closes) lines.push("Connection: close");
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return bodyBytes > 0 ? Buffer.concat([head, Buffer.alloc(bodyBytes, "x")]) : head;
}
