/** The stacks of an interpreter's threads, read from what `faulthandler` writes: those that serve first. Pure. */

/** Frames innermost first; those of tsgate itself are left out. */
export interface PythonThread {
  readonly frames: readonly PythonFrame[];
}

export interface PythonFrame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

export function parseStacks(text: string): readonly PythonThread[] {
  const threads = text.split(THREAD).slice(1).map(readThread);
  const serving = threads.filter(({ serves }) => serves);
  return [...serving, ...threads.filter(({ serves, watches }) => !serves && !watches)].filter(
    ({ frames }) => frames.length > 0,
  );
}

/** Frames above the first of tsgate's own: what is below has only called the application. */
function readThread(text: string): PythonThread & { readonly serves: boolean; readonly watches: boolean } {
  const frames: PythonFrame[] = [];
  for (const line of text.split("\n")) {
    const [, file, number, name] = FRAME.exec(line) ?? [];
    if (file === undefined || name === undefined) continue;
    if (OWN.test(file)) return { frames, serves: !WATCH.test(text), watches: WATCH.test(text) };
    frames.push({ function: name, file, line: Number(number) });
  }
  return { frames, serves: false, watches: false };
}

/** As Python writes a traceback's frames, innermost first. */
export function stackText(threads: readonly PythonThread[]): string {
  return threads
    .map(({ frames }) => frames.map((frame) => `    at ${frame.function} (${frame.file}:${frame.line})`).join("\n"))
    .join("\n\n");
}

const THREAD = /^(?:Current thread|Thread) 0x[0-9a-f]+.*$/m;
const FRAME = /^ {2}File "(.*)", line (\d+) in (.*)$/;
/** The thread that listens to the worker. */
const WATCH = / in answer$/m;
const OWN = /\/tsgate_wsgi\/[a-z_]+\.py$|\/python\/start\.py$/;
