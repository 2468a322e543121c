/** A client that sends a large body and reads it back slowly: whoever stands between has to wait, or to hold it. */

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const BLOCK = Buffer.alloc(1 << 20);
/** After so many bytes it pauses: long enough for a server to read ahead whatever it would. */
const SIP_BYTES = 256 << 10;
const PAUSE_MS = 2;

/**
 * Resolves when all of it has come back; rejects when the connection ends before.
 * @param {net.NetConnectOpts} target
 * @param {number} size in bytes
 * @param {() => void} [onPause] called at each pause, before it
 */
export async function throughSlowPeer(target, size, onPause = () => {}) {
  const socket = net.connect(target);
  const closed = once(socket, "close");
  let body = -1;
  let sipped = 0;
  let head = "";
  const done = new Promise((resolve) => {
    socket.on("data", (bytes) => {
      if (body < 0) head += bytes.toString("latin1");
      else body += bytes.length;
      const end = body < 0 ? head.indexOf("\r\n\r\n") : -1;
      if (end >= 0) body = head.length - end - 4;
      // The frames of chunks come on top: at least so many bytes.
      if (body >= size) resolve(true);
      sipped += bytes.length;
      if (sipped < SIP_BYTES) return;
      sipped = 0;
      onPause();
      socket.pause();
      setTimeout(() => socket.resume(), PAUSE_MS);
    });
  });
  try {
    socket.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    const lost = closed.then(() => Promise.reject(new Error(`the connection ended after ${body} of ${size} bytes`)));
    await Promise.race([Promise.all([upload(socket, size), done]), lost]);
  } finally {
    socket.destroy();
    await closed.catch(() => sleep(0));
  }
}

/**
 * @param {net.Socket} socket
 * @param {number} size
 */
async function upload(socket, size) {
  for (let sent = 0; sent < size; sent += BLOCK.length) {
    if (!socket.write(BLOCK.subarray(0, size - sent))) await once(socket, "drain");
  }
}
