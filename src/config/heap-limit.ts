/**
 * How large V8's heap may grow in each worker where the container's memory is limited: left alone, each of several
 * workers would take the whole limit for its own, and the kernel would kill one of them. Pure, and imports nothing that
 * is not needed before everything else.
 */

import { oldSpaceOption } from "../heap-option.ts";
import { inWords } from "./worker-count.ts";

/** What the master, the code and the stacks of all of them are reckoned to need. */
const RESERVED = 100 * 1024 ** 2;
/** The rest of a worker's share is for buffers, which V8 does not count. */
const SHARE_PERCENT = 75;
/** With less than this an application hardly boots. */
const LEAST_MB = 32;

export interface HeapFacts {
  /** Bytes that all processes together may use; undefined for no limit. */
  readonly memoryLimit: number | undefined;
  readonly workers: number;
  /** What the user gives to Node in the workers. */
  readonly nodeArgs: readonly string[];
  readonly nodeOptions: string | undefined;
}

/** `megabytes` is undefined where none is set; `reason` is a part of a sentence, undefined where there is nothing to say. */
export interface HeapLimit {
  readonly megabytes: number | undefined;
  readonly reason: string | undefined;
  /** There would be one, but it would be too small to boot with. */
  readonly isTooSmall: boolean;
}

/** 75 % of (memory limit - 100 MB) / workers, unless the user has set one. */
export function heapLimitFor({ memoryLimit, workers, nodeArgs, nodeOptions }: HeapFacts): HeapLimit {
  if (memoryLimit === undefined) return { megabytes: undefined, reason: undefined, isTooSmall: false };
  if (oldSpaceOption(nodeArgs) !== undefined) return { megabytes: undefined, reason: "--node-arg", isTooSmall: false };
  if (oldSpaceOption([], nodeOptions) !== undefined)
    return { megabytes: undefined, reason: "$NODE_OPTIONS", isTooSmall: false };
  const megabytes = Math.floor(((memoryLimit - RESERVED) * SHARE_PERCENT) / 100 / workers / 1024 ** 2);
  const share = `${SHARE_PERCENT} % of (memory limit of ${inWords(memoryLimit)} - ${inWords(RESERVED)}) / ${workers}`;
  if (megabytes < LEAST_MB)
    return { megabytes: undefined, reason: `Node's own: ${share} is too little`, isTooSmall: true };
  return { megabytes, reason: share, isTooSmall: false };
}

/** The arguments for Node that set the limit. */
export function heapArgs(facts: HeapFacts): string[] {
  const { megabytes } = heapLimitFor(facts);
  return megabytes === undefined ? [] : [`--max-old-space-size=${megabytes}`];
}
