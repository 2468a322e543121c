/** What an export that cannot be served most likely is, and what would do. Reads, calls nothing. */

import { hasMethods, isClass, memberOf } from "./describe-value.ts";

/** How many parameters a function visibly has; undefined where its text does not tell (rest, defaults, `arguments`). */
export function plainParameterCount(value: unknown): number | undefined {
  if (typeof value !== "function") return undefined;
  const text = Function.prototype.toString.call(value).replace(COMMENT, "");
  // Of a bound function only the number is known, and that of one with a rest parameter is too small.
  if (text.includes("[native code]")) return value.length === 0 ? undefined : value.length;
  if (/\barguments\b/.test(text)) return undefined;
  const parameters = /^[^(]*?(?:\(([^)]*)\)|([\w$]+)\s*=>)/.exec(text);
  const names = (parameters?.[1] ?? parameters?.[2] ?? "...").trim().replace(/,$/, "");
  if (names === "") return 0;
  if (/^\{[^{}]*\}$/.test(names)) return 1;
  return /\.\.\.|=|[{[]/.test(names) ? undefined : names.split(",").length;
}

const COMMENT = /\/\*[^]*?\*\/|\/\/[^\n]*/g;

/** A clause that says what would do; undefined when that cannot be told. */
export function hintFor(value: unknown): string | undefined {
  return typeof value === "function" ? hintForFunction(value) : hintForObject(value);
}

function hintForFunction(value: unknown): string | undefined {
  if (isClass(value)) return "export an instance of it";
  const count = plainParameterCount(value);
  if (count === 0) return "if it returns the application, add --factory";
  if (count === 1)
    return "if it returns a Response, export { fetch } or add --interface fetch; if it returns the application, add --factory";
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
    return "call that in the module itself: tsgate puts the http.Server that then listens on its sockets (if late, add --interface server)";
  }
  return undefined;
}
