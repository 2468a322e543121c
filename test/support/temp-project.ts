/** A folder with files for one test, gone when the test ends. */

import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export class TempProject {
  /** Its absolute path, without symbolic links. */
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** The absolute path of a file in it. */
  path(name: string): string {
    return path.join(this.dir, name);
  }

  /** Writes a file, with the folders on its way, and returns its path. Whoever reads it meanwhile reads it as it was. */
  async write(name: string, content: string): Promise<string> {
    const file = this.path(name);
    await mkdir(path.dirname(file), { recursive: true });
    const written = `${file}.${randomUUID()}`;
    await writeFile(written, content);
    await rename(written, file);
    return file;
  }

  /** Makes packages of this repository importable from it; `tsgate` is the repository itself. */
  async linkPackages(...names: readonly string[]): Promise<void> {
    await mkdir(this.path("node_modules"), { recursive: true });
    for (const name of names) {
      const packageFolder = name === "tsgate" ? ROOT : path.join(ROOT, "node_modules", name);
      await symlink(packageFolder, this.path(`node_modules/${name}`));
    }
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Makes a project of `files`, removed when the test ends. Call it within a test. */
export async function tempProject(files: Readonly<Record<string, string>> = {}): Promise<TempProject> {
  const project = await makeProject(files);
  onTestFinished(() => project.remove());
  return project;
}

/** Makes a project of `files` for several tests; call `remove` after the last. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<TempProject> {
  const project = new TempProject(await realpath(await mkdtemp(path.join(tmpdir(), "tsgate-test-"))));
  for (const [name, content] of Object.entries(files)) await project.write(name, content);
  return project;
}
