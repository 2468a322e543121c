/** A module's values in words, for messages about what was found. Reads, calls nothing. */

export type ModuleExports = Readonly<Record<string, unknown>>;

/** One clause that lists what the module exports. */
export function listExports(exports: ModuleExports): string {
  const names = Object.keys(exports);
  if (names.length === 0) return "it exports nothing";
  return `it exports ${names.map((name) => `${name} (${describe(exports[name])})`).join(", ")}`;
}

/** A value in a few words: `a function with 2 parameters`, `an object with the keys a, b`. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Promise) return "a promise";
  if (typeof value === "function") {
    if (isClass(value)) return `the class ${value.name}`;
    return `a function with ${value.length} ${value.length === 1 ? "parameter" : "parameters"}`;
  }
  if (typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  const kind = classOf(value);
  if (kind !== undefined) return `an instance of ${kind}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return "an empty object";
  return `an object with the keys ${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", …" : ""}`;
}

/** `default export`, or `export "name"`. */
export function describeExport(name: string): string {
  return name === "default" ? "default export" : `export "${name}"`;
}

/** What CommonJS that exports nothing has as its default. */
export function isEmptyObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return classOf(value) === undefined && Object.keys(value).length === 0;
}

/** The name of an object's class; undefined for one that is only an object. */
function classOf(value: object): string | undefined {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "Object" ? name : undefined;
}

export function isClass(value: unknown): boolean {
  return typeof value === "function" && Function.prototype.toString.call(value).startsWith("class");
}

/**
 * A property of an object or a function; undefined of anything else, and of one that cannot be read. Of an object that
 * answers to every name, as some routers do, only what it has itself counts.
 */
export function memberOf(value: unknown, name: string): unknown {
  const isHolder = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!isHolder) return undefined;
  try {
    const holder = value as Record<string, unknown>;
    return Object.hasOwn(value, name) || holder[NOBODYS_NAME] === undefined ? holder[name] : undefined;
  } catch {
    return undefined;
  }
}

const NOBODYS_NAME = "tsgate: nobody has this";

export function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  return names.every((name) => typeof memberOf(value, name) === "function");
}
