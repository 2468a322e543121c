/** A folder of files as people write it, `PREFIX=DIR`: `/assets=public`. Says what is wrong with one; reads no disk. */

import { keyed, type ValueType } from "./setting-row.ts";
import type { StaticFolder } from "./types.ts";
import { quoted, ValueError } from "./value-error.ts";

/** Folders: `PREFIX=DIR` texts, or an object of directories by prefix in the configuration file. */
export function staticFolders(): ValueType<readonly StaticFolder[]> {
  const fromTexts = (values: readonly unknown[]): readonly StaticFolder[] => refuseTwins(values.map(parseFolder));
  return keyed(fromTexts, asText, (all) => all.map(({ prefix, directory }) => `${prefix}=${directory}`));
}

/** Parses one folder; the prefix has no slash at its end, but `/` for the root. Throws `ValueError`. */
export function parseFolder(value: unknown): StaticFolder {
  const text = typeof value === "string" ? value.trim() : "";
  const at = text.indexOf("=");
  if (at === -1) throw new ValueError(`${quoted(value)} is not PREFIX=DIR; give one such as /assets=public`);
  const prefix = text.slice(0, at);
  const directory = text.slice(at + 1).trim();
  if (directory === "") throw new ValueError(`${quoted(value)} names no directory; give one, such as ${prefix}=public`);
  const complaint = complaintAbout(prefix);
  if (complaint !== undefined) throw new ValueError(`the prefix ${quoted(prefix)} ${complaint}`);
  return { prefix: prefix.length > 1 ? prefix.replace(/\/$/, "") : prefix, directory };
}

function asText([prefix, directory]: readonly [string, unknown]): string {
  if (typeof directory !== "string")
    throw new ValueError(`${prefix} is ${quoted(directory)}; give a directory, such as "public"`);
  return `${prefix}=${directory}`;
}

function complaintAbout(prefix: string): string | undefined {
  if (!prefix.startsWith("/")) return "does not begin with a slash; give one such as /assets";
  if (prefix.includes("//")) return "has an empty segment; write one slash between segments";
  if (prefix.includes("/.")) return "has a segment that begins with a dot; such paths are never served";
  if (prefix.includes("%")) return "is percent-encoded; write it decoded, as it is compared with decoded paths";
  if (/[?#]/.test(prefix)) return "has more than a path; leave out what follows it";
  return /[\s\p{Cc}\\]/u.test(prefix) ? "has a backslash, a space or a control character; leave it out" : undefined;
}

/** Two at the same place: which comes first, only the user knows. */
function refuseTwins(all: readonly StaticFolder[]): readonly StaticFolder[] {
  const seen = new Set<string>();
  for (const { prefix } of all) {
    if (seen.has(prefix)) throw new ValueError(`${prefix} is given twice; leave one out`);
    seen.add(prefix);
  }
  return all;
}
