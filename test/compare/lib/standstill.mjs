/** Whether this process stood still (the machine suspended, or far too busy): then nothing measured meanwhile counts. */

const BEAT_MS = 100;

/**
 * Watches from now on.
 * @returns {{ longestMs: () => number, end: () => void }} the longest time that nothing ran here, so far
 */
export function watchStandstill() {
  let beatAt = performance.now();
  let longestMs = 0;
  const look = () => {
    const at = performance.now();
    longestMs = Math.max(longestMs, at - beatAt - BEAT_MS);
    beatAt = at;
  };
  const timer = setInterval(look, BEAT_MS);
  timer.unref();
  return {
    longestMs: () => (look(), longestMs),
    end: () => clearInterval(timer),
  };
}
