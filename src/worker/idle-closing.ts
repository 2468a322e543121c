/** Closes connections that nobody uses, and none on which a request is on its way. */

import type { Server } from "node:http";
import type { Socket } from "node:net";
import { socketsAtRest } from "../node-http.ts";
import { closeIfIdle } from "./close-unless-read.ts";
import type { Connection } from "./connection.ts";
import { HttpConnection } from "./http-connection.ts";

/**
 * Sockets are closed a few at a time, with a pause between: a process that has just slept is not interrupted between
 * the look for a request that has come and the close, which on a busy machine takes as long as others then run.
 */
const CLOSING_TURNS = 250;
const PAUSE_MS = 1;

export class IdleClosing {
  readonly #part: (connection: Connection) => void;
  #isBusy = false;

  /** @param part ends this worker's part in an idle connection; usually it is closed */
  constructor(part: (connection: Connection) => void = closeIfIdle) {
    this.#part = part;
  }

  /** Parts with those of `open` that have been idle for `lingerMs`, a few each turn; nothing while it is still at it. */
  close(open: Iterable<Connection>, lingerMs: number): void {
    if (this.#isBusy) return;
    const now = performance.now();
    const overdue = [...open].filter((connection) => connection.isIdle && now - connection.idleSince >= lingerMs);
    const idle = withoutBegun(overdue);
    const closesATurn = Math.ceil(idle.length / CLOSING_TURNS);
    const closeSome = (): void => {
      for (const connection of idle.splice(0, closesATurn)) this.#part(connection);
      this.#isBusy = idle.length > 0;
      if (this.#isBusy) setTimeout(setImmediate, PAUSE_MS, closeSome);
    };
    // The immediate runs right after a poll: what lay in the kernel has been read, and made its connection busy.
    this.#isBusy = true;
    setImmediate(closeSome);
  }
}

/** Without those on which a request has begun that came in one piece with the one before, where only Node knows of it. */
export function withoutBegun(connections: readonly Connection[]): Connection[] {
  const atRest = new Map<Server, Set<Socket> | undefined>();
  return connections.filter((connection) => {
    if (!(connection instanceof HttpConnection) || !connection.isUsed) return true;
    const server = connection.server as Server;
    if (!atRest.has(server)) atRest.set(server, socketsAtRest(server));
    return atRest.get(server)?.has(connection.socket) !== false;
  });
}
