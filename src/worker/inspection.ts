/**
 * Keeps a way open by which the master can ask this process what blocks its event loop. That is SIGUSR1, at which Node
 * opens its inspector, as long as nobody else takes the signal; then a thread that answers in its place, in such
 * workers only. And the other way round: an inspector that nobody asked for, opened by a signal to the whole group, is
 * closed.
 */

import fs from "node:fs";
import path from "node:path";
import { messageOf } from "../errors.ts";
import type { AskingWay } from "../hung-account.ts";
import { isOwnInspectorArgument, opensInspector } from "../inspector-arguments.ts";
import { callSites } from "./call-sites.ts";
import { log, report } from "./channel.ts";

/** Begins; returns what is to be called with each heartbeat. First thing in a worker, before the application's code. */
export function keepInspectable(): () => void {
  const args = process.execArgv;
  // Processes that the application forks are started with these, and have nobody to ask them.
  process.execArgv = args.filter((arg) => !isOwnInspectorArgument(arg));
  const obstacle = obstacleToAsking();
  if (obstacle !== undefined) {
    tell({ by: "none", why: obstacle });
    return () => {};
  }
  if (opensInspector(args, process.env)) {
    void tellUrl();
    return () => {};
  }
  if (isSignalTaken()) answerByThread();
  process.on("newListener", (name) => {
    if (name === SIGNAL) answerByThread();
  });
  return watchInspector();
}

const SIGNAL = "SIGUSR1";
/** The signal's bit in the mask of those that have a handler. */
const SIGNAL_BIT = 0x200n;

function tell(way: AskingWay): void {
  report({ tsgate: "asked-by", way });
}

function obstacleToAsking(): string | undefined {
  if (process.platform !== "linux") return `not on ${process.platform}: what a process does is read from /proc`;
  return obstacleToInspector();
}

/** Why Node's inspector cannot be used in this process at all. */
export function obstacleToInspector(): string | undefined {
  if (!process.features.inspector) return "this Node was built without its inspector";
  // Connecting to the inspector all the same would abort the process.
  if (process.permission !== undefined && !process.permission.has("inspector"))
    return "the permission model keeps Node's inspector closed";
  return undefined;
}

/** Somebody listens, has listened, or has told Node not to. */
function isSignalTaken(): boolean {
  if (process.listenerCount(SIGNAL) > 0) return true;
  try {
    return !hasHandler(fs.readFileSync("/proc/self/status", "latin1"));
  } catch {
    return false;
  }
}

function hasHandler(status: string): boolean {
  const [, mask = ""] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return mask === "" || (BigInt(`0x${mask}`) & SIGNAL_BIT) !== 0n;
}

let isAnswering = false;

/** At once, in the same turn: the application may block the loop in the next. */
function answerByThread(): void {
  if (isAnswering) return;
  isAnswering = true;
  const failed = (error: unknown): void =>
    tell({ by: "none", why: `SIGUSR1 is taken, and a thread in its place failed: ${messageOf(error)}` });
  try {
    // Loaded only where it is needed, because it costs memory.
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const thread = new Worker(path.join(import.meta.dirname, "watchdog.cjs"), {
      name: "tsgate watchdog",
      // Neither what is imported first nor what the environment says is meant for it.
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    });
    thread.unref();
    thread.on("error", failed);
    tell({ by: "relay" });
  } catch (error) {
    failed(error);
  }
}

async function tellUrl(): Promise<void> {
  const { default: inspector } = await import("node:inspector");
  const url = inspector.url();
  if (url !== undefined) tell({ by: "url", url });
}

/**
 * Node emits an internal message when its inspector opens: on a signal, also in the middle of running code. There nothing
 * but the fact is noted; it is dealt with at the next beat.
 */
function watchInspector(): () => void {
  let isOpenedBySignal = false;
  const emitToListeners = process.emit.bind(process) as (event: string | symbol, ...args: unknown[]) => boolean;
  process.emit = function emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === "internalMessage" && isOpening(args[0])) {
      if (isCalledByInspectorModule()) void tellUrl();
      else isOpenedBySignal = true;
    }
    return emitToListeners(event, ...args);
  } as typeof process.emit;
  return () => {
    if (!isOpenedBySignal) return;
    isOpenedBySignal = false;
    // One signal is delivered in two ways, and the second, which a poll brings, would open it again.
    setImmediate(() => void closeInspector());
  };
}

function isOpening(message: unknown): boolean {
  return typeof message === "object" && message !== null && (message as { cmd?: unknown }).cmd === "NODE_DEBUG_ENABLED";
}

/** Whether `inspector.open()` is on the stack. */
function isCalledByInspectorModule(): boolean {
  return callSites().some((site) => site.getFileName() === "node:inspector");
}

let expectedUntil = -1;

/** The master has opened it, or is about to: when it is closed again, that is not worth a warning. */
export function expectInspector(): void {
  expectedUntil = performance.now() + EXPECTED_MS;
}

/** A beat comes in this time, and what a signal does that was delivered twice. */
const EXPECTED_MS = 5000;

async function closeInspector(): Promise<void> {
  const { default: inspector } = await import("node:inspector");
  if (inspector.url() === undefined) return;
  inspector.close();
  if (performance.now() < expectedUntil) return log("debug", "inspector closed", { openedBy: "tsgate ctl stack" });
  log("warn", "inspector closed", {
    openedBy: SIGNAL,
    hint: "to debug the workers, add --node-arg --inspect; to reopen the log, signal the master alone",
  });
}
