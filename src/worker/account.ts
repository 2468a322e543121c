/**
 * The account that this process gives of itself when its event loop is blocked: what is on its stack, which requests are
 * in flight. It is given in the middle of whatever blocks the loop, in the last second of the process: it uses no regular
 * expression, because one may be running, and changes nothing else that runs.
 */

import type { AsyncHook } from "node:async_hooks";
import { fileURLToPath } from "node:url";
import { isOwnPlace } from "../errors.ts";
import {
  type Account,
  ACCOUNT_SYMBOL,
  type AccountGiver,
  ASKING_SCRIPT,
  type Frame,
  REQUESTS_TOLD,
} from "../hung-account.ts";
import { callSites } from "./call-sites.ts";
import type { Connections } from "./connections.ts";
import { sinceBeatMs } from "./heartbeat.ts";
import { originalPosition } from "./original-position.ts";

/**
 * Lets the master ask, by a name that no application meets by accident. What it returns is called when the worker lives on
 * after it was asked: nothing stays behind of the asking.
 */
export function giveAccountOf(connections: Connections): () => void {
  const trap = new Trap();
  let told: Account | undefined;
  const tell: AccountGiver["tell"] = () => {
    const frames = trap.caught ?? (trap.isBusy ? [] : framesOutside(tell));
    if (!frames.some(({ isUsers }) => isUsers)) trap.set();
    told = { frames, ...connections.inFlight(REQUESTS_TOLD), sinceBeatMs: sinceBeatMs() };
    return told;
  };
  // A step of its own: if reading the source maps is too much for what memory or time is left, the rest is told already.
  const retell: AccountGiver["retell"] = () => told && { ...told, frames: told.frames.map(inItsSource) };
  const giver: AccountGiver = { tell, retell };
  Object.defineProperty(process, Symbol.for(ACCOUNT_SYMBOL), { value: giver });
  return () => {
    trap.release();
    told = undefined;
  };
}

/** Catches the application where it next begins something asynchronous, as each link of a chain of ticks or microtasks does. */
class Trap {
  caught: readonly Frame[] | undefined;
  /** The question has interrupted the trap itself. */
  isBusy = false;
  #hook: AsyncHook | undefined;

  set(): void {
    if (this.#hook !== undefined) return;
    const init = (): void => {
      if (this.isBusy || this.caught !== undefined) return;
      this.isBusy = true;
      const frames = framesOutside(init);
      const first = frames.findIndex(({ isUsers }) => isUsers);
      // What stands above is the hook's own.
      if (first >= 0) this.caught = frames.slice(first);
      this.isBusy = false;
    };
    this.#hook = process.getBuiltinModule("node:async_hooks").createHook({ init }).enable();
  }

  release(): void {
    this.#hook?.disable();
    this.#hook = undefined;
    this.caught = undefined;
  }
}

/** The stack below the call of `inner`. */
function framesOutside(inner: (...args: never[]) => unknown): Frame[] {
  return callSites(inner).filter(isOfInterest).map(toFrame);
}

/** Not of the script that asks. */
function isOfInterest(site: NodeJS.CallSite): boolean {
  return site.getFileName() !== ASKING_SCRIPT && site.getScriptNameOrSourceURL() !== ASKING_SCRIPT;
}

function toFrame(site: NodeJS.CallSite): Frame {
  const source = site.getFileName() ?? "";
  const line = site.getLineNumber() ?? 0;
  const column = site.getColumnNumber() ?? 0;
  const name = nameOf(site, `${source}:${line}:${column}`);
  const isUsers = source === "" ? site.isEval() : !isOwnPlace(source);
  return { name, function: site.getFunctionName() ?? "", file: withoutScheme(source), line, column, isUsers };
}

function inItsSource(frame: Frame): Frame {
  if (!frame.isUsers || frame.file === "") return frame;
  const original = originalPosition(frame.file, frame.line, frame.column);
  return original === undefined ? frame : { ...frame, ...original, file: withoutScheme(original.file) };
}

/** `name (place)`, `async place`, or the place alone. */
function nameOf(site: NodeJS.CallSite, place: string): string {
  const text = (site as { toString(): string }).toString();
  if (text.endsWith(` (${place})`)) return text.slice(0, -place.length - 3);
  if (text.endsWith(place)) return text.slice(0, -place.length).trimEnd();
  return text.endsWith(BUILT_IN) ? text.slice(0, -BUILT_IN.length) : text;
}

const BUILT_IN = " (<anonymous>)";

/** The path that a `file:` URL names; anything else as it is. */
export function withoutScheme(file: string): string {
  try {
    return file.startsWith("file://") ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
}
