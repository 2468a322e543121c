/** The signals of the master, turned into events. What they mean is the arbiter's matter. */

export const MASTER_SIGNALS = [
  "SIGHUP",
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGTTIN",
  "SIGTTOU",
  "SIGUSR1",
  "SIGUSR2",
] as const;

export type MasterSignal = (typeof MASTER_SIGNALS)[number];

/** Whether it asks for an end, one way or the other. */
export function isStopSignal(signal: MasterSignal): boolean {
  return signal === "SIGTERM" || signal === "SIGINT" || signal === "SIGQUIT";
}

/** Calls `received` for each of the master's signals; returns the function that stops it. */
export function listenForSignals(received: (signal: MasterSignal) => void): () => void {
  const listeners = MASTER_SIGNALS.map((signal) => ({ signal, listener: () => received(signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}
