/** The status that is written on a socket past any response object: to an upgrade, or by whoever refuses a request. */

import type { Duplex } from "node:stream";

/** Calls back once: with the status of the first head that is written, or undefined when the socket closes before. */
export function whenAnswered(socket: Duplex, answered: (status: number | undefined) => void): void {
  const writer = socket as unknown as Record<"write" | "end", Method>;
  const originals = { write: writer.write, end: writer.end };
  let isOver = false;
  const tell = (status: number | undefined): void => {
    if (isOver) return;
    isOver = true;
    // Somebody else may have put a function of his own around these by now.
    for (const name of ["write", "end"] as const) if (writer[name] === watched[name]) writer[name] = originals[name];
    answered(status);
  };
  const watch = (name: "write" | "end"): Method =>
    function (this: unknown, ...args) {
      const status = isOver ? undefined : statusIn(args[0]);
      if (status !== undefined) tell(status);
      return originals[name].apply(this, args);
    };
  const watched = { write: watch("write"), end: watch("end") };
  Object.assign(writer, watched);
  socket.once("close", () => tell(undefined));
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function statusIn(chunk: unknown): number | undefined {
  if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return undefined;
  const start = typeof chunk === "string" ? chunk.slice(0, 12) : Buffer.from(chunk.subarray(0, 12)).toString("latin1");
  const status = Number(/^HTTP\/1\.[01] (\d{3})$/.exec(start)?.[1]);
  return Number.isNaN(status) ? undefined : status;
}
