/**
 * A gateway environ as the text that Python makes its own of: names and values, one character a byte, as PEP 3333 has it
 * ("Unicode Issues"). Values that are text here (the decoded path, what middleware has added) become their UTF-8 bytes.
 */

import type { Environ } from "../../gateway/index.ts";

/** `isJson`: a value holds a NUL, which is what separates the values otherwise. */
export interface EnvironText {
  readonly text: string;
  readonly isJson: boolean;
}

export function environText(environ: Environ): EnvironText {
  const keys = environ as unknown as Readonly<Record<string, unknown>>;
  const path = pathOf(environ);
  let text = `wsgi.url_scheme\0${environ["gateway.url_scheme"]}`;
  let isJson = false;
  for (const key in keys) {
    // Objects of the gateway's own, and reading some of them would make them.
    if (key.charCodeAt(0) > LAST_CAPITAL) continue;
    const value = valueOf(keys, key, path);
    if (typeof value !== "string") continue;
    isJson ||= value.includes("\0");
    text += `\0${key}\0${value}`;
  }
  if (!isJson && !BEYOND_BYTES.test(text)) return { text, isJson };
  return { text: JSON.stringify(asObject(keys, path, environ["gateway.url_scheme"])), isJson: true };
}

function valueOf(keys: Readonly<Record<string, unknown>>, key: string, path: string): unknown {
  if (key === "PATH_INFO") return path;
  const value = keys[key];
  // These are text whatever they look like.
  return (key === "SCRIPT_NAME" || key === "REMOTE_USER") && typeof value === "string" ? utf8Bytes(value) : value;
}

/** `PATH_INFO` in bytes: of the target as it was sent, unless somebody has changed the path since. */
function pathOf({ REQUEST_URI: target, SCRIPT_NAME: prefix, PATH_INFO: path }: Environ): string {
  if (!target.includes("%") && !BEYOND_ASCII.test(path)) return path;
  const mark = target.indexOf("?");
  const bytes = unescapeBytes(mark < 0 ? target : target.slice(0, mark));
  if (Buffer.from(bytes, "latin1").toString("utf8") === prefix + path) return bytes.slice(utf8Bytes(prefix).length);
  return utf8Bytes(path);
}

function unescapeBytes(text: string): string {
  return text.replace(ESCAPE, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

function utf8Bytes(text: string): string {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

function asObject(
  keys: Readonly<Record<string, unknown>>,
  path: string,
  scheme: string,
): Readonly<Record<string, string>> {
  const values: Record<string, string> = { "wsgi.url_scheme": scheme };
  for (const key of Object.keys(keys)) {
    if (key.charCodeAt(0) > LAST_CAPITAL) continue;
    const value = valueOf(keys, key, path);
    if (typeof value === "string") values[key] = BEYOND_BYTES.test(value) ? utf8Bytes(value) : value;
  }
  return values;
}

const LAST_CAPITAL = 90;
const BEYOND_ASCII = /[\x80-\uffff]/;
const BEYOND_BYTES = /[\u0100-\uffff]/;
const ESCAPE = /%[0-9A-Fa-f]{2}/g;
