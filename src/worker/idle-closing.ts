/** Closes connections that nobody uses, and none on which a request is on its way. */

import type { Socket } from "node:net";
import { readOrClose, socketsAtRest } from "../node-handles.ts";
import { type Connection, isIdle } from "./connection.ts";

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
    const overdue = [...open].filter((connection) => isIdle(connection) && now - connection.idleSince >= lingerMs);
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

/** Without those on which a request has begun that came in one piece with the one before. */
function withoutBegun(connections: readonly Connection[]): Connection[] {
  const servers = new Set(connections.map(({ server }) => server));
  const atRest = new Map([...servers].map((server) => [server, socketsAtRest(server)]));
  return connections.filter(
    ({ server, socket, newest }) => newest === undefined || atRest.get(server)?.has(socket) !== false,
  );
}

/** Closes it unless a request has come by now. */
export function closeIfIdle(connection: Connection): void {
  if (isIdle(connection)) closeUnlessRead(connection.socket);
}

/**
 * Closes the connection, unless a request has come that the event loop has not seen: then that is served. It is closed
 * both ways at once: what comes after our FIN is refused by the kernel, not read and left without an answer.
 */
export function closeUnlessRead(socket: Socket): void {
  const unread = readOrClose(socket);
  if (unread !== undefined) socket.emit("data", unread);
}
