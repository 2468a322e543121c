/** What an export that cannot be served most likely is, and what would do. Reads, calls nothing. */

import { hasMethods, isClass, memberOf } from "./describe-value.ts";

/** How many parameters a function visibly has; undefined where its text does not tell (bound, rest, `arguments`). */
export function plainParameterCount(value: unknown): number | undefined {
  if (typeof value !== "function") return undefined;
  const text = Function.prototype.toString.call(value);
  if (/\[native code\]|\barguments\b/.test(text)) return undefined;
  const parameters = /^[^(]*?(?:\(([^)]*)\)|([\w$]+)\s*=>)/.exec(text);
  const names = (parameters?.[1] ?? parameters?.[2] ?? "...").trim();
  if (names === "") return 0;
  return /\.\.\.|=|[{[]/.test(names) ? undefined : names.replace(/,\s*$/, "").split(",").length;
}

/** A clause that begins with `; `, or nothing. */
export function hintFor(value: unknown): string {
  const hint = typeof value === "function" ? hintForFunction(value) : hintForObject(value);
  return hint === undefined ? "" : `; ${hint}`;
}

function hintForFunction(value: unknown): string | undefined {
  if (isClass(value)) return "export an instance of it";
  const count = plainParameterCount(value);
  if (count === 0) return "a function that returns the application is called with --factory";
  if (count === 1)
    return "a function (request) that returns a Response is served as { fetch }, as an export named fetch, or with --interface fetch";
  return undefined;
}

function hintForObject(value: unknown): string | undefined {
  if (value instanceof Promise || hasMethods(value, "then")) {
    return "await it (export default await …), or export a function that returns it (--factory)";
  }
  if (memberOf(value, "fetch") !== undefined && !hasMethods(value, "fetch")) return "its fetch is not a function";
  if (hasMethods(value, "handler", "use"))
    return "export a (req, res) function made of it, such as toNodeListener(app)";
  if (hasMethods(value, "listen") || hasMethods(value, "start")) {
    return "let the program start it: tsgate takes over the listen() of its http.Server";
  }
  return undefined;
}
