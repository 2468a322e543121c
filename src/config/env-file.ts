/**
 * The file of variables for the workers (`--env-file`), in the syntax that Node itself reads. It never changes this
 * process's environment, and holds nothing of tsgate's own.
 */

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { hasCode, messageOf, usageError } from "../errors.ts";

/** Reads the variables of `file`, an absolute path. Throws a usage error when it cannot be read or used. */
export async function readEnvFile(file: string): Promise<Readonly<Record<string, string>>> {
  const text = await readText(file);
  const variables = Object.entries(parseEnv(text.replace(/^\uFEFF/, "")));
  for (const [key] of variables) {
    if (key.startsWith("TSGATE_")) {
      throw usageError(
        `${file} sets ${key}, a setting of tsgate that has no effect there; set it where tsgate is started`,
      );
    }
  }
  return Object.fromEntries(variables.map(([key, value]) => [key, value ?? ""]));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT"))
      throw usageError(`--env-file: ${file} does not exist; create it, or leave the setting out`);
    if (hasCode(error, "EISDIR"))
      throw usageError(`--env-file: ${file} is a directory; name a file of KEY=VALUE lines`);
    throw usageError(`--env-file: ${file} cannot be read (${messageOf(error)}); check its permissions`);
  }
}
