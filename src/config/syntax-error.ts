/**
 * Where a module does not parse. Node tells it for CommonJS only, so on this path alone, when nothing is to be served
 * anyway, Node is asked again in a process of its own.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** `file:line` of a syntax error met while importing `file`, or undefined when it is not to be had. Never throws. */
export async function placeOfSyntaxError(file: string, error: SyntaxError): Promise<string | undefined> {
  return placeIn(error.stack ?? "") ?? placeIn(await complaintOfCheck(file));
}

/** Both print the place alone on the first line. */
function placeIn(text: string): string | undefined {
  return /^(?:file:\/\/)?(\/.*?)(?:\?[^:]*)?(:\d+)$/m
    .exec(text.split("\n", 1)[0] ?? "")
    ?.slice(1)
    .join("");
}

async function complaintOfCheck(file: string): Promise<string> {
  try {
    await promisify(execFile)(process.execPath, ["--check", file], {
      timeout: 5000,
      env: { PATH: process.env["PATH"] },
    });
    return "";
  } catch (error) {
    const { stderr } = error as { readonly stderr?: unknown };
    return typeof stderr === "string" ? stderr : "";
  }
}
