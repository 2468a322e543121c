/** How large this worker's heap may grow, looked up only when it may be what the worker dies of. */

import { oldSpaceOption } from "../heap-option.ts";

/** Below this a heap of the size that Node chooses by itself is far from full. */
const WORTH_ASKING = 128 * 1024 ** 2;

let limitBytes = Number.NaN;

/**
 * In bytes: as it was set for this process, without the young generation; else as V8 has it.
 * @returns 0 while `usedBytes` is so little that it does not matter
 */
export function heapLimit(usedBytes: number): number {
  if (Number.isNaN(limitBytes))
    limitBytes = (oldSpaceOption(process.execArgv, process.env["NODE_OPTIONS"]) || 0) * 1024 ** 2;
  // The module costs two megabytes, and hardly any worker needs it.
  if (limitBytes === 0 && usedBytes > WORTH_ASKING)
    limitBytes = process.getBuiltinModule("node:v8").getHeapStatistics().heap_size_limit;
  return limitBytes;
}
