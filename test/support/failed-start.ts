/** A server that must not come up: what it says, how it ends, and that it leaves nothing behind. */

import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { TempProject } from "./temp-project.ts";
import { startTsgate } from "./tsgate.ts";
import type { StartOptions } from "./tsgate.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface FailedStart {
  readonly code: number | null;
  /** The one sentence, without `tsgate: `; the project's folder is written `DIR`, the version of Node `NODE`. */
  readonly sentence: string;
  /** What stands below it: the user's own stack. */
  readonly stack: string;
}

/** Addresses and a pidfile in the project's own folder: whatever is left of them is found. */
const PLACES = ["--workers", "2", "--bind", "unix:app.sock", "--pid", "pid"];

/**
 * Runs `tsgate ARGS` in `project`, which must end by itself. Throws when it says more than one sentence and the user's
 * stack, when a record repeats it at the level of an error, and when a file, socket or process is left.
 */
export async function failedStart(
  project: TempProject,
  args: readonly string[],
  options: StartOptions & { readonly places?: readonly string[] } = {},
): Promise<FailedStart> {
  const before = await filesIn(project.dir);
  const server = startTsgate([...(options.places ?? PLACES), ...args], { cwd: project.dir, ...options });
  const { code, signal } = await server.exited;
  const [sentence = "", ...stack] = server.log.otherLines;
  expect(signal).toBeNull();
  expect(sentence, server.stderr).toMatch(/^tsgate: \S/);
  expect(server.stdout).toBe("");
  expect(server.records.filter(({ level }) => level >= 50)).toEqual([]);
  for (const line of stack) {
    expect(line).not.toMatch(/^tsgate:|node:internal|\(node:/);
    expect(line).not.toContain(ROOT);
  }
  expect(await filesIn(project.dir)).toEqual(before);
  return { code, sentence: shortened(sentence.slice("tsgate: ".length), project), stack: stack.join("\n") };
}

function shortened(text: string, { dir }: TempProject): string {
  return text.replaceAll(dir, "DIR").replaceAll(process.version, "NODE");
}

/** Every file, socket and folder, without what npm would have put there. */
async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const names = await Promise.all(
    entries
      .filter(({ name }) => name !== "node_modules")
      .map(async (entry) => {
        if (!entry.isDirectory()) return [entry.name];
        return [entry.name, ...(await filesIn(path.join(dir, entry.name))).map((name) => `${entry.name}/${name}`)];
      }),
  );
  return names.flat().sort();
}
