/** Waiting for something of the application's, but not for ever. */

/**
 * Awaits `promise` for at most `ms`; resolves with whether it settled in time.
 * @throws what the promise rejects with, if it does so in time
 */
export async function settledWithin(ms: number, promise: unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([Promise.resolve(promise).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
