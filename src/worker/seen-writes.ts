/**
 * Shows what an application writes on a socket, in the order in which it leaves. From Node 26.12 on a `pipe` hands its
 * chunks on by itself, past `write`: what is handed on and was not announced by a `write` before is shown then.
 */

import type { Duplex } from "node:stream";
import { seeHandedOn } from "../node-streams.ts";

/** Shows `seen` each chunk that is written on the socket, until that returns false. */
export function seeWrites(socket: Duplex, seen: (chunk: unknown, encoding: unknown) => boolean): void {
  const writer = socket as unknown as { write: (this: unknown, ...args: readonly unknown[]) => boolean };
  const { write } = writer;
  let isWatching = true;
  /** Chunks that `write` was given and that have not been handed on. */
  let announced = 0;
  const see = (chunk: unknown, encoding: unknown): void => {
    if (isWatching) isWatching = seen(chunk, encoding);
    if (isWatching) return;
    forget();
    // Somebody else may have put a function of his own around this one by now.
    if (writer.write === watched) writer.write = write;
  };
  const watched = function (this: unknown, ...args: readonly unknown[]): boolean {
    announced++;
    const result = write.apply(this, [...args]);
    see(args[0], args[1]);
    return result;
  };
  const forget = seeHandedOn(
    socket,
    (chunk, encoding) => {
      if (announced > 0) announced--;
      else see(chunk, encoding);
    },
    // Only what has stood in line comes several at a time, and that by `write`.
    (count) => (announced = Math.max(0, announced - count)),
  );
  writer.write = watched;
}
