/**
 * Signals in a worker. What reaches the whole process group is the master's business and ignored here; SIGTERM is told
 * to the master. The application's own SIGTERM listeners are kept back until its shutdown, so that they cannot cut a
 * drain short.
 */

const IGNORED: ReadonlySet<string> = new Set(["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGTTIN", "SIGTTOU"]);

let tellTerm: () => void = () => {};
const emitToListeners = process.emit.bind(process) as (event: string, ...args: unknown[]) => boolean;

/**
 * Takes the signals over. First thing in a worker: until then a Ctrl-C at the terminal would end it.
 * @param onTerm called at each SIGTERM
 */
export function takeSignals(onTerm: () => void): void {
  tellTerm = onTerm;
  // Node delivers a signal as an event of `process`, bound when the first listener is added.
  process.emit = function emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === "SIGTERM") {
      tellTerm();
      return true;
    }
    if (typeof event === "string" && IGNORED.has(event)) return true;
    return emitToListeners(event as string, ...args);
  } as typeof process.emit;
  for (const signal of [...IGNORED, "SIGTERM"]) {
    // A module of --import may have added listeners already: Node lets go of the signal with the last, and binds anew.
    const earlier = process.rawListeners(signal) as (() => void)[];
    process.removeAllListeners(signal);
    for (const listener of [keepAlive, ...earlier]) process.on(signal, listener);
  }
}

/** Whether the application has listeners for SIGTERM of its own. */
export function hasOwnTermListeners(): boolean {
  return process.listeners("SIGTERM").some((listener) => listener !== keepAlive);
}

/** Runs the application's own SIGTERM listeners. */
export function emitTerm(): void {
  emitToListeners("SIGTERM", "SIGTERM", 15);
}

/** A listener must be there, or the signal would end the process. */
function keepAlive(): void {}
