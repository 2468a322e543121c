/** How full this worker's heap is, said only when it is more than half full: then it may be what the worker dies of. */

import { oldSpaceOption } from "../heap-option.ts";
import type { HeapUse } from "../messages.ts";

/** Below this a heap of Node's own size is not half full. */
const WORTH_ASKING = 128 * 1024 ** 2;
const HALF = 0.5;

let limitBytes: number | undefined;

/** @param usedBytes what V8 says that it uses */
export function heapUse(usedBytes: number): HeapUse | undefined {
  limitBytes ??= givenLimit();
  // The module costs two megabytes, and hardly any worker needs it.
  if (limitBytes === undefined && usedBytes > WORTH_ASKING)
    limitBytes = process.getBuiltinModule("node:v8").getHeapStatistics().heap_size_limit;
  if (limitBytes === undefined || usedBytes < HALF * limitBytes) return undefined;
  return { usedBytes, limitBytes };
}

function givenLimit(): number | undefined {
  const megabytes = oldSpaceOption(process.execArgv, process.env["NODE_OPTIONS"]);
  return megabytes === undefined || Number.isNaN(megabytes) ? undefined : megabytes * 1024 ** 2;
}
