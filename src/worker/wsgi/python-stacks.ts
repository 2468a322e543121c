/** The stacks of an interpreter's threads, read from what `faulthandler` writes: those at work at a request first. Pure. */

import type { PythonFrame, PythonThread } from "../../python-account.ts";

export interface PythonStacks {
  /** Those that run code of the application or of its libraries. */
  readonly threads: readonly PythonThread[];
  /** How many wait for a request. */
  readonly idle: number;
  /** How many wait at a request for its client, or send to it, with nothing of the application on their stacks. */
  readonly withClient: number;
}

export function parseStacks(text: string): PythonStacks {
  const all = text.split(THREAD).slice(1).map(readThread);
  const named = (wanted: Role): PythonThread[] =>
    all.filter(({ frames, role }) => role === wanted && frames.length > 0).map(({ frames }) => ({ frames }));
  return {
    threads: [...named("works"), ...named("waits"), ...named("other")],
    idle: all.filter(({ role }) => role === "idle").length,
    withClient: all.filter(({ frames, role }) => role === "waits" && frames.length === 0).length,
  };
}

/** `works`: at a request, in its own code; `waits`: at one, for its client. */
type Role = "works" | "waits" | "idle" | "watches" | "other";

interface ReadThread extends PythonThread {
  readonly role: Role;
}

/** Of the application are the frames above the one of tsgate that called it, and below those of tsgate that it called. */
function readThread(text: string): ReadThread {
  const frames: PythonFrame[] = [];
  let isServing = false;
  let isInOurs = false;
  for (const line of text.split("\n")) {
    const [, file, number, name] = FRAME.exec(line) ?? [];
    if (file === undefined || name === undefined) continue;
    if (!OWN.test(file)) {
      frames.push({ function: name, file, line: Number(number) });
      continue;
    }
    isServing = true;
    isInOurs ||= frames.length === 0;
    if (frames.length > 0 || ENTRIES.has(name)) break;
  }
  if (WATCHES.test(text)) return { frames, role: "watches" };
  if (!isServing) return { frames, role: "other" };
  if (!isInOurs) return { frames, role: "works" };
  return { frames, role: frames.length === 0 && IDLE.test(text) ? "idle" : "waits" };
}

/** In words where it is, and the innermost place outside of libraries, if there is one; undefined without a frame. */
export function findPlace(
  threads: readonly PythonThread[],
): { readonly words: string; readonly place: PythonFrame } | undefined {
  const frames = threads[0]?.frames ?? [];
  const [innermost] = frames;
  if (innermost === undefined) return undefined;
  const place = frames.find(({ file }) => !LIBRARY.test(file)) ?? innermost;
  const where = `${place.function} (${place.file}:${place.line})`;
  return { words: place === innermost ? `at ${where}` : `in ${innermost.function}, called at ${where}`, place };
}

/** As Node writes frames, innermost first. */
export function stackText(threads: readonly PythonThread[]): string {
  return threads
    .map(({ frames }) => frames.map((frame) => `    at ${frame.function} (${frame.file}:${frame.line})`).join("\n"))
    .join("\n\n");
}

const THREAD = /^(?:Current thread|Thread) 0x[0-9a-f]+.*$/m;
const FRAME = /^ {2}File "(.*)", line (\d+) in (.*)$/;
const LIBRARY = /\/lib(?:64)?\/python3(?:\.\d+t?)?\/|\/(?:site|dist)-packages\/|^<frozen /;
const OWN = /\/tsgate_wsgi\/[a-z_]+\.py$|\/python\/start\.py$/;
/** Where threads of tsgate begin: what is below is Python's own. */
const ENTRIES: ReadonlySet<string> = new Set(["serve", "answer", "main"]);
/** The thread that listens to the worker. */
const WATCHES = /interpreter\.py", line \d+ in answer$/m;
const IDLE = / in next_request$/m;
