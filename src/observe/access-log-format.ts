/** From what `--access-logformat` says to the function that writes a line. */

import { parseAccessFormat } from "../config/access-format.ts";
import type { FormatLine } from "./access-entry.ts";
import { compileJson } from "./access-json.ts";
import { compileText } from "./access-text.ts";

/** Compiles a format that `parseAccessFormat` takes. */
export function compileFormat(format: string, pid: number): FormatLine {
  const parts = parseAccessFormat(format);
  return parts === "json" ? compileJson(pid) : compileText(parts, pid);
}
