/**
 * The rules of the environ (docs/gateway.md, chapter "The environ"), each as a function of one: what is wrong, or
 * undefined. Of values that other rules speak of, each check judges only what is there.
 */

import { kindOf, TOKEN } from "../response-headers.ts";
import type { Environ } from "../types.ts";
import type { Findings } from "./breach.ts";

/** Throws the first rule that the environ breaks. */
export function checkEnviron(environ: unknown, findings: Findings): asserts environ is Environ {
  for (const [rule, problemOf] of CHECKS) {
    const problem = problemOf(environ as Keys);
    if (problem !== undefined) throw findings.breach(rule, "server", problem);
  }
}

type Keys = Readonly<Record<string, unknown>>;

function isPlain(environ: Keys): string | undefined {
  if (typeof environ !== "object" || environ === null) return `environ is ${kindOf(environ)}, not a plain object`;
  const prototype: unknown = Object.getPrototypeOf(environ);
  if (prototype !== Object.prototype && prototype !== null) return `environ is ${kindOf(environ)}, not a plain object`;
  return Object.isExtensible(environ) ? undefined : "environ cannot be extended: applications may add keys";
}

function hasAllKeys(environ: Keys): string | undefined {
  const missing = ALWAYS.filter((key) => environ[key] === undefined);
  return missing.length === 0 ? undefined : `environ has no ${missing.join(", ")}`;
}

function hasStrings(environ: Keys): string | undefined {
  for (const key of Object.keys(environ)) {
    if (!key.includes(".") && typeof environ[key] !== "string") {
      return `${key} is ${kindOf(environ[key])}; keys without a dot are strings, or not there`;
    }
  }
  return undefined;
}

function hasNoPrefixedContent(environ: Keys): string | undefined {
  const wrong = ["HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"].find((key) => key in environ);
  return wrong === undefined ? undefined : `environ has ${wrong}; it must be ${wrong.slice("HTTP_".length)}`;
}

function hasHeaderKeys(environ: Keys): string | undefined {
  for (const key of Object.keys(environ)) {
    if (!key.startsWith("HTTP_")) continue;
    if (!HEADER_KEY.test(key)) return `${JSON.stringify(key)} is not the upper-case name of a header, "-" as "_"`;
    if (!FIELD_VALUE.test(environ[key] as string)) return `${key} has a control character or one beyond latin-1`;
  }
  return undefined;
}

function hasVersion(environ: Keys): string | undefined {
  const version = environ["gateway.version"];
  const [major, minor] = Array.isArray(version) ? (version as unknown[]) : [];
  return major === 1 && Number.isInteger(minor) && (version as unknown[]).length === 2
    ? undefined
    : `gateway.version is ${JSON.stringify(version)}, not [1, 0]`;
}

/** A check that the value of `key`, if it is there, matches. */
function matches(key: string, pattern: RegExp, wanted: string): (environ: Keys) => string | undefined {
  return (environ) => {
    const value = environ[key];
    if (value === undefined || pattern.test(value as string)) return undefined;
    return `${key} is ${JSON.stringify(value)}, not ${wanted}`;
  };
}

/** A check that an object has functions of these names. */
function hasMethods(key: string, ...names: (string | symbol)[]): (environ: Keys) => string | undefined {
  return (environ) => {
    const object = environ[key] as Readonly<Record<string | symbol, unknown>>;
    const missing = names.filter((name) => typeof object?.[name] !== "function");
    return missing.length === 0 ? undefined : `${key} has no function ${missing.map(String).join(", ")}`;
  };
}

function isFunction(key: string): (environ: Keys) => string | undefined {
  return (environ) =>
    typeof environ[key] === "function" ? undefined : `${key} is ${kindOf(environ[key])}, not a function`;
}

function hasSwitches(environ: Keys): string | undefined {
  const wrong = SWITCHES.find((key) => typeof environ[key] !== "boolean");
  return wrong === undefined ? undefined : `${wrong} is ${kindOf(environ[wrong])}, not true or false`;
}

function hasSignal(environ: Keys): string | undefined {
  const signal = environ["gateway.signal"];
  return signal instanceof AbortSignal ? undefined : `gateway.signal is ${kindOf(signal)}, not an AbortSignal`;
}

const SWITCHES = ["gateway.multithread", "gateway.multiprocess", "gateway.run_once"];
const ALWAYS = [
  "REQUEST_METHOD",
  "SCRIPT_NAME",
  "PATH_INFO",
  "QUERY_STRING",
  "REQUEST_URI",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "gateway.version",
  "gateway.url_scheme",
  "gateway.input",
  "gateway.errors",
  ...SWITCHES,
  "gateway.file_wrapper",
  "gateway.early_hints",
  "gateway.signal",
];

/** What a name may be made of (RFC 9110 section 5.6.2), in upper case and without the hyphen. */
const HEADER_KEY = /^HTTP_[!#$%&'*+.^_`|~0-9A-Z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const CHECKS: readonly (readonly [rule: string, problemOf: (environ: Keys) => string | undefined])[] = [
  ["E-1", isPlain],
  ["E-2", hasAllKeys],
  ["E-3", hasStrings],
  ["E-4", matches("REQUEST_METHOD", TOKEN, "a method")],
  ["E-5", matches("SCRIPT_NAME", /^(?:|\/.*[^/])$/s, 'empty or a path without "/" at its end')],
  ["E-6", matches("PATH_INFO", /^(?:|\/.*)$/s, 'empty or a path that begins with "/"')],
  ["E-7", matches("QUERY_STRING", /^[\x21\x22\x24-\x7e\x80-\xff]*$/, "what follows the question mark, as sent")],
  ["E-8", matches("REQUEST_URI", /^[\x21\x22\x24-\x7e\x80-\xff]+$/, "a request target as sent")],
  ["E-9", hasNoPrefixedContent],
  ["E-10", matches("CONTENT_LENGTH", /^\d+$/, "a number of bytes in decimal digits")],
  ["E-11", matches("SERVER_NAME", /^[\x21-\x7e\x80-\xff]+$/, "a name or an address")],
  ["E-11", matches("SERVER_PORT", /^\d+$/, "a port in decimal digits")],
  ["E-12", matches("SERVER_PROTOCOL", /^HTTP\/\d(?:\.\d)?$/, "a version like HTTP/1.1")],
  ["E-13", matches("REMOTE_ADDR", /^(?!::ffff:\d+\.)[^\s[\]]+$/i, "an address without brackets, IPv4 as IPv4")],
  ["E-13", matches("REMOTE_PORT", /^\d+$/, "a port in decimal digits")],
  ["E-14", hasHeaderKeys],
  ["E-18", hasVersion],
  ["E-19", matches("gateway.url_scheme", /^https?$/, "http or https")],
  ["E-20", hasSwitches],
  ["E-21", hasSignal],
  ["I-1", hasMethods("gateway.input", "read", Symbol.asyncIterator)],
  ["L-1", hasMethods("gateway.errors", "write", "writelines", "flush")],
  ["F-1", isFunction("gateway.file_wrapper")],
  ["H-1", isFunction("gateway.early_hints")],
];
