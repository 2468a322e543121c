/**
 * Process 1 inherits every orphan of its container, and Node reaps only what it has started itself: the others stay as
 * zombies until the container ends. Nothing can be done about it from within; it is said once, with the remedy.
 */

import { readFileSync } from "node:fs";
import type { WriteRecord } from "../logger.ts";

const LOOK_EVERY_MS = 5000;
const HINT = "start the container with --init, or with the tsgate command itself instead of node";

/** Looks for zombies while this process is process 1; returns the function that ends it. */
export function watchForZombies(write: WriteRecord): () => void {
  if (process.pid !== 1) return () => {};
  let before: readonly string[] = [];
  const timer = setInterval(() => {
    const zombies = zombieChildren();
    // Children of our own are gone at the next look.
    const left = zombies.filter((pid) => before.includes(pid));
    before = zombies;
    if (left.length === 0) return;
    clearInterval(timer);
    write("warn", "orphans are not reaped by process 1", { zombies: left.length, hint: HINT });
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function zombieChildren(): string[] {
  const children = read("/proc/self/task/1/children").split(" ");
  return children.filter((pid) => pid !== "" && /\) Z /.test(read(`/proc/${pid}/stat`)));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
