/**
 * From the path of a request to the name of a file below a folder, and back for redirects. Whatever could be read in two
 * ways names no file: a client never gets more than what a link in a page could have asked for. Pure.
 */

import type { FileRequest } from "./file-request.ts";

/**
 * The name below the folder that the request asks for, "" for the folder itself, with a slash at its end where the path
 * has one; undefined when the path is not below `prefix` or can be no file's: a segment that begins with a dot (but
 * `/.well-known`, RFC 8615) or is empty, a backslash, a NUL, an encoded slash, bytes that are not UTF-8.
 */
export function fileNameOf(request: FileRequest, prefix: string): string | undefined {
  const { PATH_INFO: path } = request;
  if (!path.startsWith(prefix)) return undefined;
  const rest = path.slice(prefix.length);
  if (rest === "") return "";
  if (rest.charCodeAt(0) !== SLASH || AMBIGUOUS.test(rest) || ENCODED_SLASH.test(pathOf(request.REQUEST_URI)))
    return undefined;
  const name = rest.slice(1);
  if (!HIDDEN.test(rest)) return name;
  const isWellKnown = prefix === "" && request.SCRIPT_NAME === "" && name.startsWith(".well-known/");
  return isWellKnown && !HIDDEN.test(name.slice(".well-known".length)) ? name : undefined;
}

/** Whether a segment of a name of a file, which begins with a slash, begins with a dot or is empty. */
export function isHidden(name: string): boolean {
  return HIDDEN.test(name);
}

/** The path of the request with a slash at its end, as a `Location`: the query stays, and the host is not named. */
export function withSlash({ SCRIPT_NAME, PATH_INFO, QUERY_STRING }: FileRequest): string {
  const segments = `${SCRIPT_NAME}${PATH_INFO}`.split("/").map((segment) => encodeURIComponent(segment));
  return `${segments.join("/")}/${QUERY_STRING === "" ? "" : `?${QUERY_STRING}`}`;
}

/** A prefix as it is compared: no slash at its end, "" for the root. Throws a `TypeError` for what is none. */
export function checkPrefix(prefix: string): string {
  const cut = prefix.replace(/\/$/, "");
  if (cut !== "" && (!cut.startsWith("/") || AMBIGUOUS.test(cut) || HIDDEN.test(cut)))
    throw new TypeError(`the prefix ${JSON.stringify(prefix)} is not a path that begins with "/"`);
  return cut;
}

function pathOf(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}

const SLASH = 47;
// oxlint-disable-next-line no-control-regex
const AMBIGUOUS = /[\\\x00\ufffd]|\/\//;
const ENCODED_SLASH = /%2f/i;
const HIDDEN = /\/\.|\/\//;
