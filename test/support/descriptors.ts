/** What a process has open, from /proc. */

import { readdirSync, readlinkSync } from "node:fs";

/**
 * What its descriptors stand for, in order; what it holds several copies of counts once. A worker holds one copy of the
 * socket that it listens on while it is paused and two at other times, so that the number of its descriptors says little.
 */
export function openThings(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).flatMap((descriptor) => {
    try {
      return readlinkSync(`${folder}/${descriptor}`);
    } catch {
      // It has been closed meanwhile.
      return [];
    }
  });
  return [...new Set(targets)].sort();
}
