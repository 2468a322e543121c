/**
 * Builds the server with a defect: a copy of the source in which an exact piece of one file is replaced, bundled by the
 * same command as the shipped one. A piece that is not there exactly once is an error, so that no plant outlives what it
 * was planted in.
 */

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Change {
  /** The file below src/. */
  readonly file: string;
  /** What stands there exactly once. */
  readonly text: string;
  readonly replacement: string;
}

/** One change, or those in several places that make it together. */
export type Defect = Change | readonly Change[];

export interface PlantedBuild {
  readonly binary: string;
  remove(): Promise<void>;
}

/** The source with the change in it. Throws unless the text stands there exactly once. */
export function changed(source: string, { file, text, replacement }: Change): string {
  const times = source.split(text).length - 1;
  if (times !== 1)
    throw new Error(`src/${file} holds ${JSON.stringify(text)} ${times} times, and the plant needs it once`);
  // A function, because a replacement's dollars have a meaning of their own.
  return source.replace(text, () => replacement);
}

export async function plant(defect: Defect): Promise<PlantedBuild> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "tsgate-planted-")));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    for (const name of ["src", "bin", "package.json", "tsconfig.json"])
      await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
    for (const change of [defect].flat()) {
      const file = path.join(folder, "src", change.file);
      await writeFile(file, changed(await readFile(file, "utf8"), change));
    }
    await build(folder);
    return { binary: path.join(folder, "bin/tsgate.js"), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As `npm run build:server` does. */
async function build(folder: string): Promise<void> {
  const { scripts } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const tools = path.join(ROOT, "node_modules/.bin");
  await promisify(execFile)("sh", ["-c", scripts["build:server"] ?? "false"], {
    cwd: folder,
    env: { ...process.env, PATH: [tools, process.env["PATH"]].join(path.delimiter) },
  });
}
