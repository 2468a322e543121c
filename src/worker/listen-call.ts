/** What a program asks for when it calls `server.listen()`, in any of the function's signatures. Reads, changes nothing. */

export type AskedAddress =
  | { readonly kind: "port"; readonly port: number; readonly host: string | undefined }
  | { readonly kind: "path"; readonly path: string }
  /** A handle or a descriptor that the program has got from somewhere. */
  | { readonly kind: "handle" };

export interface ListenCall {
  readonly address: AskedAddress;
  readonly callback: (() => void) | undefined;
  /** Closes the server when it aborts. */
  readonly signal: AbortSignal | undefined;
}

/** Reads the arguments of a call; undefined for those that Node refuses. */
export function readListenCall(args: readonly unknown[]): ListenCall | undefined {
  const last = args.at(-1);
  const callback = typeof last === "function" ? (last as () => void) : undefined;
  const options = optionsOf(callback === undefined ? args : args.slice(0, -1));
  const address = addressOf(options);
  const signal = options["signal"] instanceof AbortSignal ? options["signal"] : undefined;
  return address && { address, callback, signal };
}

/** An address as it is written in logs and messages. */
export function formatAsked(address: AskedAddress): string {
  switch (address.kind) {
    case "port":
      return address.host === undefined ? String(address.port) : `${address.port}, ${address.host}`;
    case "path":
      return address.path;
    case "handle":
      return "a handle";
  }
}

/** `listen(port, host, backlog)` and `listen(path, backlog)` as `listen(options)`. */
function optionsOf([first, second]: readonly unknown[]): Readonly<Record<string, unknown>> {
  if (typeof first === "object" && first !== null) return first as Record<string, unknown>;
  if (isPath(first)) return { path: first };
  return { port: first, host: typeof second === "string" ? second : undefined };
}

function addressOf(options: Readonly<Record<string, unknown>>): AskedAddress | undefined {
  const { fd, host, path, port } = options;
  if (hasHandle(options) || (typeof fd === "number" && fd >= 0)) return { kind: "handle" };
  if (isPath(path)) return { kind: "path", path };
  if (!("port" in options)) return undefined;
  const number = portOf(port);
  if (number === undefined) return undefined;
  return { kind: "port", port: number, host: typeof host === "string" && host !== "" ? host : undefined };
}

/** A server, a socket, or a raw handle: all have one below them, or are one. */
function hasHandle(options: Readonly<Record<string, unknown>>): boolean {
  return (
    ["_handle", "handle"].some((key) => options[key] !== undefined && options[key] !== null) ||
    "onconnection" in options
  );
}

function isPath(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !(Number(value) >= 0);
}

function portOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return 0;
  if (typeof value !== "number" && (typeof value !== "string" || value.trim() === "")) return undefined;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : undefined;
}
