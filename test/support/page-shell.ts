/** A guide as its reader lives it: files are written, commands typed, and seen is what the page shows. */

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { expect, onTestFinished } from "vitest";
import { differs, type Numbers, pageBlocks, withNumbers } from "./page-blocks.ts";
import { findCommand } from "./peers.ts";
import { MARK, markedProcesses } from "./process-tree.ts";
import { tempProject } from "./temp-project.ts";
import { quietEnvironment, TSGATE } from "./tsgate.ts";

/** How long a look is repeated: a worker that hangs is reported after a --timeout of 10 s. */
const PATIENCE_MS = 45_000;

/**
 * Does what the page at `file` says, in an empty folder, and fails where it shows something else, or leaves a process.
 * @param numbers what the page's port numbers are here
 * @param packages of this repository that its reader has installed
 * @param commands that are other files than the test's own path has, by their names
 */
export async function livePage(
  file: string,
  numbers: Numbers,
  packages: readonly string[] = [],
  commands: Readonly<Record<string, string>> = {},
): Promise<void> {
  expect(findCommand("curl"), "curl not found: apt-get install -y --no-install-recommends curl").toBeDefined();
  const shell = await startShell(packages, commands);
  for (const block of pageBlocks(readFileSync(file, "utf8"))) {
    if (block.kind === "file") {
      await shell.write(block.name, withNumbers(block.text, numbers));
      continue;
    }
    const { line, text, isLook, shown = "…" } = block;
    const endsAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const seen = await shell.type(withNumbers(text, numbers));
      const missing = differs(shown, seen, numbers);
      if (missing === undefined) break;
      if (!isLook || performance.now() > endsAt)
        expect.fail(`line ${line} of the page:\n${text}\nnot seen: ${missing}\nin:\n${seen}\n${shell.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  expect(await shell.processes()).toEqual([]);
}

interface Shell {
  /** Runs commands to their end, in the environment that those before have left behind; what they show. */
  type(commands: string): Promise<string>;
  write(name: string, text: string): Promise<string>;
  processes(): Promise<number[]>;
  /** The end of the server's log. */
  log(): string;
}

/** A shell in an empty folder with `tsgate` in its path; whatever it has started is ended when the test ends. */
async function startShell(packages: readonly string[], commands: Readonly<Record<string, string>>): Promise<Shell> {
  const [desk, folder] = [await tempProject(), await tempProject()];
  const mark = randomUUID();
  await folder.linkPackages(...packages);
  for (const [name, place] of Object.entries({ tsgate: TSGATE, ...commands })) await symlink(place, desk.path(name));
  await desk.write("environment", "");
  const env = { ...quietEnvironment(), PATH: `${desk.dir}:${process.env["PATH"]}`, [MARK]: mark };
  const processes = async (): Promise<number[]> => markedProcesses(mark);
  onTestFinished(async () => {
    for (let left = await processes(); left.length > 0; left = await processes())
      for (const pid of left) endProcess(pid);
  });
  return {
    processes,
    write: async (name, text) => folder.write(name, text),
    log: () => {
      const file = folder.path("log/server.log");
      return existsSync(file) ? readFileSync(file, "utf8").slice(-3000) : "";
    },
    type: async (commands) => {
      // What stays in the background holds the file, not a pipe that would have to be read to its end.
      const output = openSync(desk.path("output"), "w");
      const script = `. ${desk.dir}/environment\n${commands}\nexport -p > ${desk.dir}/environment\n`;
      const child = spawn("sh", ["-c", script], { cwd: folder.dir, env, stdio: ["ignore", output, output] });
      closeSync(output);
      await once(child, "exit");
      return readFileSync(desk.path("output"), "utf8");
    },
  };
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}
