/**
 * How a WebSocket is told that its server goes away, whatever library serves it: a close frame with 1001 (RFC 6455
 * sections 5.5.1 and 7.4.1), written between two of the library's own frames. The client answers and closes; the
 * library sees that answer and ends the connection.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** FIN and the opcode of a close frame; two bytes, not masked; 1001. */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);
const SWITCHING = /^HTTP\/1\.1 101 /;

/** Returns what says farewell on an upgraded socket, once the handshake is through; undefined for other protocols. */
export function websocketFarewell({ headers }: IncomingMessage, socket: Duplex): (() => void) | undefined {
  if (headers.upgrade?.toLowerCase() !== "websocket") return undefined;
  let isOpen = false;
  let isLeaving = false;
  const say = (): void => {
    if (socket.writable) socket.write(GOING_AWAY);
  };
  onFirstWrite(socket, (head) => {
    isOpen = SWITCHING.test(head);
    // The library may write a whole frame in the same turn; this one comes behind it.
    if (isOpen && isLeaving) setImmediate(say);
  });
  return () => {
    if (isLeaving) return;
    isLeaving = true;
    if (isOpen) say();
  };
}

function onFirstWrite(socket: Duplex, callback: (text: string) => void): void {
  const writer = socket as unknown as { write: (this: unknown, ...args: readonly unknown[]) => boolean };
  const { write } = writer;
  writer.write = function firstWrite(...args) {
    writer.write = write;
    const [chunk] = args;
    const result = write.apply(this, [...args]);
    callback(
      typeof chunk === "string" ? chunk : chunk instanceof Uint8Array ? Buffer.from(chunk).toString("latin1") : "",
    );
    return result;
  };
}
