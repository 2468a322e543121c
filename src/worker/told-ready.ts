/** `process.send("ready")`, as programs written for PM2 say it. */

/** Resolves when the application has said `ready` to its parent; what it says goes on to the master as ever. */
export function toldReady(): Promise<void> {
  const send = process.send?.bind(process) as ((...args: unknown[]) => boolean) | undefined;
  return new Promise((resolve) => {
    process.send = ((...args: unknown[]) => {
      if (args[0] === "ready") resolve();
      return send?.(...args) ?? false;
    }) as NonNullable<typeof process.send>;
  });
}
