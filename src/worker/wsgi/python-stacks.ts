/** The stacks of an interpreter's threads, read from what `faulthandler` writes. Pure. */

/** Frames innermost first, as `function (file:line)`; those of tsgate itself are left out. */
export interface PythonThread {
  readonly name: string;
  readonly frames: readonly PythonFrame[];
}

export interface PythonFrame {
  readonly function: string;
  readonly file: string;
  readonly line: number;
}

export function parseStacks(text: string): readonly PythonThread[] {
  const threads: { name: string; frames: PythonFrame[] }[] = [];
  for (const line of text.split("\n")) {
    const thread = THREAD.exec(line);
    if (thread !== null) {
      threads.push({ name: thread[1] as string, frames: [] });
      continue;
    }
    const [, file, number, name] = FRAME.exec(line) ?? [];
    if (file === undefined || name === undefined || OWN.test(file)) continue;
    threads.at(-1)?.frames.push({ function: name, file, line: Number(number) });
  }
  return threads.filter(({ frames }) => frames.some(({ file }) => !file.endsWith("/threading.py")));
}

/** As Python writes a traceback's frames, innermost first. */
export function stackText(threads: readonly PythonThread[]): string {
  return threads
    .map(({ frames }) => frames.map((frame) => `    at ${frame.function} (${frame.file}:${frame.line})`).join("\n"))
    .join("\n\n");
}

const THREAD = /^(?:Current thread|Thread) (0x[0-9a-f]+)/;
const FRAME = /^ {2}File "(.*)", line (\d+) in (.*)$/;
const OWN = /\/tsgate_wsgi\/[a-z_]+\.py$|\/python\/start\.py$/;
