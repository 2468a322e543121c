/** Node's own bound for the head of a request, which it answers for before anybody can judge the head by its parts. */

import { LARGEST_HEAD } from "./settings/limits.ts";

/** What sets it in a worker, unless somebody has set it: as large as heads may be, whatever smaller limits they are held to. */
export function headArgs(nodeArgs: readonly string[], nodeOptions = ""): string[] {
  const isGiven = OPTION.test(nodeOptions) || nodeArgs.some((arg) => OPTION.test(arg));
  return isGiven ? [] : [`--max-http-header-size=${LARGEST_HEAD}`];
}

const OPTION = /(?:^|[\s"'])--max[-_]http[-_]header[-_]size(?:[=\s]|$)/;
