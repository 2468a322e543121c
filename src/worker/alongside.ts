/** A listener that is there only as long as the application listens too, for events whose listeners change what happens. */

import type { EventEmitter } from "node:events";

/** Calls `own` before the application's own listeners for `event`, whenever there are any. */
export function alongside(emitter: EventEmitter, event: string, own: (...args: never[]) => void): void {
  const listener = own as (...args: unknown[]) => void;
  const add = (): void => {
    if (!emitter.listeners(event).includes(listener)) emitter.prependListener(event, listener);
  };
  if (emitter.listenerCount(event) > 0) add();
  emitter.on("newListener", (name, added) => {
    if (name === event && added !== listener) add();
  });
  emitter.on("removeListener", (name, removed) => {
    if (name === event && removed !== listener && emitter.listenerCount(event) === 1) emitter.off(event, listener);
  });
}
