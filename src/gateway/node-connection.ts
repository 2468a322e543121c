/** What a gateway needs to know of a Node socket: who is at its ends, found out once a connection, and its own end. */

import type { Socket } from "node:net";
import type { ConnectionFacts } from "./exchange.ts";

/** The facts of a connection, remembered on its socket. */
export function connectionFacts(socket: Socket): ConnectionFacts {
  const marked = socket as Socket & { [FACTS]?: ConnectionFacts };
  const known = marked[FACTS];
  if (known !== undefined) return known;
  const facts = lookUp(socket);
  // A socket that has just been closed does not know its addresses any more; that is not to be remembered.
  if (!socket.destroyed) marked[FACTS] = facts;
  return facts;
}

/**
 * Calls back when the socket closes; returns how to forget that. One listener a socket, however many requests stand
 * in line on it.
 */
export function whenClosed(socket: Socket, callback: () => void): () => void {
  let callbacks = waiting.get(socket);
  if (callbacks === undefined) {
    const added = new Set<() => void>();
    callbacks = added;
    waiting.set(socket, added);
    socket.once("close", () => {
      for (const each of added) each();
    });
  }
  callbacks.add(callback);
  return () => void callbacks.delete(callback);
}

function lookUp(socket: Socket): ConnectionFacts {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  return {
    localAddress: localAddress === undefined ? undefined : plainAddress(localAddress),
    localPort: localPort === undefined ? undefined : String(localPort),
    remoteAddress: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    remotePort: remotePort === undefined ? undefined : String(remotePort),
    isUnix: isUnixSocket(socket),
    isSecure: "encrypted" in socket && socket.encrypted === true,
  };
}

/** Whether it is an open connection of a unix socket. Of TCP the near end is known as long as it is open. */
export function isUnixSocket(socket: Socket): boolean {
  return socket.localAddress === undefined && !socket.destroyed;
}

/** An IPv4-mapped IPv6 address as the IPv4 address that it is (RFC 4291 section 2.5.5.2). */
export function plainAddress(address: string): string {
  return MAPPED.test(address) ? address.slice(address.lastIndexOf(":") + 1) : address;
}

const waiting = new WeakMap<Socket, Set<() => void>>();
const MAPPED = /^::ffff:\d+\.\d+\.\d+\.\d+$/i;
const FACTS: unique symbol = Symbol("tsgate.connection") as never;
