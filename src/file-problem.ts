/** Why a file cannot be written, in words. */

import path from "node:path";
import { hasCode, messageOf } from "./errors.ts";

/** The second half of the sentence `cannot write FILE: …`. */
export function fileProblem(error: unknown, file: string): string {
  if (hasCode(error, "ENOENT")) return `the directory ${path.dirname(path.resolve(file))} does not exist`;
  if (hasCode(error, "EISDIR") || hasCode(error, "ENOTEMPTY")) return "it is a directory";
  if (hasCode(error, "EACCES") || hasCode(error, "EPERM")) return "permission denied";
  if (hasCode(error, "EROFS")) return "the file system is read-only";
  if (hasCode(error, "ENOSPC")) return "the disk is full";
  return messageOf(error);
}
