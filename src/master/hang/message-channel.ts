/** A way on which messages, texts each, go to a worker's inspector and come from it. */

import type { Duplex } from "node:stream";

/** An account of a worker is a few kilobytes; whoever sends more than this is not asked any further. */
export const LARGEST_MESSAGE_BYTES = 1024 * 1024;

export interface MessageChannel {
  send(text: string): void;
  onMessage(listener: (text: string) => void): void;
  /** Called once, when nothing comes any more. */
  onEnd(listener: (error: Error) => void): void;
  close(): void;
}

/** Lines on the pipe to a worker's own thread. */
export function relayChannel(pipe: Duplex): MessageChannel {
  let unread = "";
  const decoder = new TextDecoder();
  const stop = new AbortController();
  return {
    send: (text) => void pipe.write(`${text}\n`),
    onMessage: (listener) => {
      const onData = (chunk: Buffer): void => {
        const lines = (unread + decoder.decode(chunk, { stream: true })).split("\n");
        unread = lines.pop() ?? "";
        if (unread.length > LARGEST_MESSAGE_BYTES) pipe.destroy();
        for (const line of lines) listener(line);
      };
      // Whoever asked before has paused it.
      pipe.on("data", onData).resume();
      stop.signal.addEventListener("abort", () => pipe.off("data", onData).pause());
    },
    onEnd: (listener) => {
      const onClose = (): void => listener(new Error("the pipe to the worker is closed"));
      pipe.once("close", onClose);
      stop.signal.addEventListener("abort", () => pipe.off("close", onClose));
    },
    close: () => stop.abort(),
  };
}
