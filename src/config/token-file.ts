/** The file with the token of the operator's endpoints (`--admin-token-file`): one line, and no other use. */

import { readFile } from "node:fs/promises";
import { hasCode, messageOf, usageError } from "../errors.ts";

/** Shorter ones can be guessed by trying. */
const SHORTEST_TOKEN = 16;
/** What a request can carry: the characters of a Bearer token (RFC 6750 section 2.1). */
const TOKEN = /^[\w.~+/-]+=*$/;

/** Reads the token in `file`, an absolute path. Throws a usage error, which never shows what the file holds. */
export async function readTokenFile(file: string, where: string): Promise<string> {
  const token = (await readText(file, where)).replace(/^\uFEFF/, "").trim();
  if (token === "") throw usageError(`${where}: ${file} is empty; write a token into it`);
  if (!TOKEN.test(token))
    throw usageError(`${where}: ${file} holds more than one word of letters, digits and -._~+/; write a token into it`);
  if (token.length < SHORTEST_TOKEN)
    throw usageError(`${where}: the token in ${file} is too short; give one of ${SHORTEST_TOKEN} characters or more`);
  return token;
}

async function readText(file: string, where: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) throw usageError(`${where}: ${file} does not exist; write a token into it`);
    if (hasCode(error, "EISDIR")) throw usageError(`${where}: ${file} is a directory; name a file with a token`);
    throw usageError(`${where}: ${file} cannot be read (${messageOf(error)}); check its permissions`);
  }
}
