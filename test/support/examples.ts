/** The examples of docs/examples, as the comments at their heads say to run them. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const EXAMPLES = path.join(ROOT, "docs/examples");

export interface ExampleCommand {
  /** What follows `tsgate`. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** What `curl` asks for. */
  readonly path: string;
  readonly body: string | undefined;
}

/** The lines `tsgate …` and `curl …` in the head comment of one of the files of the folder, or of its `src`. */
export function commandOf(name: string): ExampleCommand {
  const folder = path.join(EXAMPLES, name);
  const folders = [folder, path.join(folder, "src")].filter((directory) => existsSync(directory));
  const entries = folders.flatMap((directory) => readdirSync(directory, { withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const heads = files.map((file) => readFileSync(file, "utf8").split("*/", 1)[0] ?? "");
  const head = heads.find((text) => /^ \* +(?:cd \S+ && )?tsgate\b/m.test(text));
  const [, directory = ".", args = ""] = /^ \* +(?:cd (\S+) && )?tsgate\b(.*)$/m.exec(head ?? "") ?? [];
  const [, curl = ""] = /^ \* +curl (.*)$/m.exec(head ?? "") ?? [];
  const url = /http:\/\/127\.0\.0\.1:8000(\/\S*)$/.exec(curl);
  if (head === undefined || url === null) throw new Error(`docs/examples/${name} does not say how to run and ask it`);
  return {
    args: args.split(" ").filter((word) => word !== ""),
    cwd: path.join(ROOT, directory),
    path: url[1] ?? "/",
    body: /-d '([^']*)'/.exec(curl)?.[1],
  };
}
