/** Whether a worker takes another connection, by `--worker-connections`. Pure. */

/** The share of the limit that has to come free before a full worker accepts again, and at least one connection. */
const ROOM = 0.05;

/**
 * Whether a worker that holds `connections` is full.
 * @param limit 0 for none
 * @param wasFull it has been since it reached the limit
 */
export function isFull(connections: number, limit: number, wasFull: boolean): boolean {
  if (limit === 0) return false;
  return connections >= limit || (wasFull && connections > limit - Math.max(1, limit * ROOM));
}
