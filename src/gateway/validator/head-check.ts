/**
 * The rules of what an application gives to `startResponse` (docs/gateway.md, chapter "startResponse"): status and
 * headers. Independent of a server's own checks, so that it can judge applications on any of them.
 */

import { isServersOwn, kindOf, TOKEN } from "../response-headers.ts";
import type { HeaderList } from "../types.ts";

/** What is wrong, and by which rule. */
export interface Problem {
  readonly rule: string;
  readonly message: string;
}

/** What the rest of the response is judged by. */
export interface CheckedHead {
  readonly status: number;
  /** Bytes by the application's Content-Length; undefined when it gave none. */
  readonly length: number | undefined;
  readonly hasContentType: boolean;
}

/** The head, or the first problem that it has. */
export function checkHead(status: unknown, headers: unknown): CheckedHead | Problem {
  const problem = statusProblem(status) ?? headersProblem(headers);
  if (problem !== undefined) return problem;
  const fields = headers as HeaderList;
  const lengths = valuesOf(fields, "content-length");
  const [length] = lengths;
  if (lengths.length > 1) return { rule: "S-9", message: "the application gave more than one Content-Length" };
  if (length !== undefined && !DIGITS.test(length)) {
    return { rule: "S-9", message: `the application gave the Content-Length ${JSON.stringify(length)}, not digits` };
  }
  return {
    status: Number(String(status).slice(0, 3)),
    length: length === undefined ? undefined : Number(length),
    hasContentType: valuesOf(fields, "content-type").length > 0,
  };
}

/** The first problem of a list of headers, whether for a response or for early hints. */
export function headersProblem(headers: unknown): Problem | undefined {
  if (!Array.isArray(headers)) {
    return { rule: "S-5", message: `the application gave ${kindOf(headers)} as headers, not a list of [name, value]` };
  }
  for (const [index, pair] of (headers as unknown[]).entries()) {
    const problem = pairProblem(pair, index + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function pairProblem(pair: unknown, number: number): Problem | undefined {
  if (!Array.isArray(pair) || pair.length !== 2) {
    return { rule: "S-5", message: `the application's header ${number} is ${kindOf(pair)}, not [name, value]` };
  }
  const [name, value] = pair as [unknown, unknown];
  if (typeof name !== "string" || !TOKEN.test(name)) {
    const shown = typeof name === "string" ? JSON.stringify(name) : kindOf(name);
    return { rule: "S-6", message: `the application's header ${number} has ${shown} as its name, which is no token` };
  }
  if (isServersOwn(name))
    return { rule: "S-8", message: `the application sends ${name}, which is the server's to send` };
  if (typeof value !== "string") {
    return { rule: "S-7", message: `the application's header ${name} has ${kindOf(value)} as its value, not a string` };
  }
  if (VALUE.test(value)) return undefined;
  return { rule: "S-7", message: `the application's header ${name} has a control character or one beyond latin-1` };
}

function statusProblem(status: unknown): Problem | undefined {
  const isFinal =
    typeof status === "number"
      ? Number.isInteger(status) && status >= 200 && status <= 999
      : typeof status === "string" && STATUS_LINE.test(status);
  if (isFinal) return undefined;
  const shown = typeof status === "string" || typeof status === "number" ? JSON.stringify(status) : kindOf(status);
  return {
    rule: "S-4",
    message: `the application gave the status ${shown}; it is 200 to 999, or that, one space and a reason`,
  };
}

function valuesOf(headers: HeaderList, wanted: string): readonly string[] {
  return headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

const STATUS_LINE = /^[2-9]\d\d (?! )[\x20-\x7e\x80-\xff]*$/;
const VALUE = /^[\x20-\x7e\x80-\xff]*$/;
const DIGITS = /^\d{1,15}$/;
