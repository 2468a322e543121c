/**
 * Events of `process` that are the worker's own before they are the application's: orders among the messages, signals.
 * The only place that stands between `process.emit` and its listeners.
 */

/** Returns true when the event is dealt with: no listener gets it. */
export type Interceptor = (...args: unknown[]) => boolean;

const interceptors = new Map<string | symbol, Interceptor>();
let emitToAll: ((event: string | symbol, ...args: unknown[]) => boolean) | undefined;

/** Lets `interceptor` see each `event` before its listeners do. One an event. */
export function intercept(event: string, interceptor: Interceptor): void {
  interceptors.set(event, interceptor);
  if (emitToAll !== undefined) return;
  const toListeners = process.emit.bind(process) as (event: string | symbol, ...args: unknown[]) => boolean;
  emitToAll = toListeners;
  process.emit = function emit(event: string | symbol, ...args: unknown[]): boolean {
    return interceptors.get(event)?.(...args) === true || toListeners(event, ...args);
  } as typeof process.emit;
}

/** Emits `event` to its listeners, past the interceptor. */
export function emitToListeners(event: string, ...args: unknown[]): void {
  emitToAll?.(event, ...args);
}
