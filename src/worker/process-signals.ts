/**
 * Signals in a worker. What reaches the whole process group is the master's business and ignored here; SIGTERM is told
 * to the master. The application's own SIGTERM listeners are kept back until its shutdown, so that they cannot cut a
 * drain short.
 */

import { emitToListeners, intercept } from "./process-events.ts";

const IGNORED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGTTIN", "SIGTTOU"];

/**
 * Takes the signals over. First thing in a worker: until then a Ctrl-C at the terminal would end it.
 * @param onTerm called at each SIGTERM
 */
export function takeSignals(onTerm: () => void): void {
  takeSignal("SIGTERM", onTerm);
  for (const signal of IGNORED) takeSignal(signal, () => {});
}

/** Whether the application has listeners for SIGTERM of its own. */
export function hasOwnTermListeners(): boolean {
  return process.listeners("SIGTERM").some((listener) => listener !== keepAlive);
}

/** Runs the application's own SIGTERM listeners. */
export function emitTerm(): void {
  emitToListeners("SIGTERM", "SIGTERM", 15);
}

function takeSignal(signal: string, received: () => void): void {
  intercept(signal, () => {
    received();
    return true;
  });
  // A module of --import may have added listeners already: Node lets go of the signal with the last, and binds anew.
  const earlier = process.rawListeners(signal) as (() => void)[];
  process.removeAllListeners(signal);
  for (const listener of [keepAlive, ...earlier]) process.on(signal, listener);
}

/** A listener must be there, or the signal would end the process. */
function keepAlive(): void {}
