/** A port for what cannot bind port 0 and say which one it got. */

import { once } from "node:events";
import net from "node:net";

/** Below those that the system gives away by itself, to clients too: what is free here now is free a moment later. */
const FIRST = 20_000;
/** Each process looks for them in a part of its own, so that two that run side by side do not find the same. */
const PARTS = 400;
const PART = 30;

let next = 0;

/** A loopback port on which nobody listens at the moment. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PART; tries++) {
    const port = FIRST + (process.pid % PARTS) * PART + (next++ % PART);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port");
}

async function isFree(port: number): Promise<boolean> {
  // On all addresses: whoever listens on one of them is in the way.
  const server = net.createServer().listen(port);
  const isListening = await Promise.race([
    once(server, "listening").then(() => true),
    once(server, "error").then(() => false),
  ]).catch(() => false);
  if (isListening) {
    server.close();
    await once(server, "close");
  }
  return isListening;
}
