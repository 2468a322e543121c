/**
 * The arguments with which a worker's Node is started so that its inspector, should it have to be opened, takes a free
 * port of the loopback and says nothing. Whoever asks for the inspector by arguments of their own gets what they asked for.
 */

/** Says that the address is told to who asks the port, not written to the standard error. */
const QUIET = "--inspect-publish-uid=http";
/** As node:cluster writes it for the port 0. */
const ANY_PORT = "--inspect-port=0";

export interface InspectorOptions {
  readonly args: readonly string[];
  /** For node:cluster, which else hands out 9230, 9231 … in every service of the machine; undefined for its own choice. */
  readonly port: 0 | undefined;
}

/** What is added when a worker is forked with `nodeArgs` and `env`. */
export function inspectorOptions(
  nodeArgs: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): InspectorOptions {
  const users = [...nodeArgs, ...nodeOptions(env)].filter((arg) => arg.startsWith("--inspect"));
  if (users.length === 0) return { args: [QUIET], port: 0 };
  return { args: [], port: users.some((arg) => /[=:]0$/.test(arg)) ? 0 : undefined };
}

export function isOwnInspectorArgument(arg: string): boolean {
  return arg === QUIET || arg === ANY_PORT;
}

/** Whether somebody asked for an inspector that is open from the start. */
export function opensInspector(args: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  return [...args, ...nodeOptions(env)].some((arg) => OPENING.has(arg.split("=", 1)[0] ?? ""));
}

const OPENING: ReadonlySet<string> = new Set(["--inspect", "--inspect-brk", "--inspect-wait"]);

function nodeOptions(env: Readonly<Record<string, string | undefined>>): string[] {
  return (env["NODE_OPTIONS"] ?? "").split(/\s+/);
}
