/**
 * How a WebSocket is told that its server goes away, whatever library or proxy serves it: a close frame with 1001
 * (RFC 6455 sections 5.5.1 and 7.4.1), written only where a frame of the application's has ended and none has begun. The
 * client answers and closes; the library sees that answer and ends the connection.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { seeWrites } from "./seen-writes.ts";
import { WebSocketFrames } from "./websocket-frames.ts";

/** FIN and the opcode of a close frame; two bytes, not masked; 1001. */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
const SWITCHING = /^HTTP\/1\.1 101 /;
/** Longer than any head that a client takes. */
const HEAD_LIMIT = 65_536;

/** Returns what says farewell on an upgraded socket, once the handshake is through; undefined for other protocols. */
export function websocketFarewell({ headers }: IncomingMessage, socket: Duplex): (() => void) | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  const reply = new UpgradeReply();
  let isLeaving = false;
  // Its own frame is followed like the application's: there is no second one.
  const say = (): void => {
    if (reply.isAtEdge && socket.writable) socket.write(GOING_AWAY);
  };
  seeWrites(socket, (chunk, encoding) => {
    reply.follow(chunk, encoding);
    // The application may write more in the same turn, its own close frame perhaps; this one comes behind that.
    if (isLeaving && reply.isAtEdge) setImmediate(say);
    return !reply.isOver;
  });
  return () => {
    if (isLeaving) return;
    isLeaving = true;
    say();
  };
}

/** What is written on an upgraded socket: a head, which may come in pieces, and behind a 101 the frames. */
class UpgradeReply {
  /** As much of the head as has been written; undefined behind it. */
  #head: string | undefined = "";
  #isRefused = false;
  readonly #frames = new WebSocketFrames();

  /** A frame may be written here. */
  get isAtEdge(): boolean {
    return this.#head === undefined && this.#frames.isAtEdge && !this.isOver;
  }

  /** No WebSocket came of it, or a close frame has been written. */
  get isOver(): boolean {
    return this.#isRefused || this.#frames.hasClosed;
  }

  follow(chunk: unknown, encoding: unknown): void {
    if (typeof chunk === "string") {
      const named = typeof encoding === "string" ? (encoding as BufferEncoding) : undefined;
      if (this.#head === undefined) this.#frames.followText(chunk, named);
      else this.#followHead(this.#head, Buffer.from(chunk, named));
    } else if (ArrayBuffer.isView(chunk)) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (this.#head === undefined) this.#frames.follow(bytes);
      else this.#followHead(this.#head, bytes);
    }
  }

  #followHead(before: string, bytes: Buffer): void {
    const head = before + bytes.toString("latin1", 0, HEAD_LIMIT);
    const end = head.indexOf("\r\n\r\n");
    this.#head = end === -1 ? head : undefined;
    this.#isRefused = end === -1 ? head.length >= HEAD_LIMIT : !SWITCHING.test(head);
    if (end !== -1 && !this.#isRefused) this.#frames.follow(bytes.subarray(end + 4 - before.length));
  }
}
