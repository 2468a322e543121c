/** The command line of `tsgate ctl`: which command, at which socket, shown how. Parses; never writes and never exits. */

import { Command, CommanderError } from "commander";
import { nearest } from "../../config/nearest.ts";
import { parseInteger } from "../../config/values.ts";
import { ValueError } from "../../config/value-error.ts";
import type { ControlCommand, ControlName } from "../../control-protocol.ts";
import { usageError, type TsgateError } from "../../errors.ts";

export type CtlLine =
  | {
      readonly kind: "ask";
      readonly socket: string;
      readonly command: ControlCommand;
      readonly isJson: boolean;
      /** `status`: shown again and again. */
      readonly isWatch: boolean;
    }
  | { readonly kind: "help"; readonly text: string };

interface Given {
  readonly controlSocket?: string;
  readonly json?: true;
  readonly watch?: true;
  readonly wait?: true;
  readonly quick?: true;
  readonly help?: true;
}

/** Parses what follows `tsgate ctl`. Throws a usage error of one sentence. */
export function parseCtlLine(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): CtlLine {
  const { given, args } = parse(argv);
  if (given.help === true) return { kind: "help", text: HELP };
  const [name, ...values] = args;
  if (name === undefined) {
    const all = Object.entries(NAMES).map(([one, value]) => (value === undefined ? one : `${one} ${value}`));
    throw usageError(`ctl needs a command: ${all.join(", ")}; see tsgate ctl --help`);
  }
  const command = commandOf(name, values, given);
  for (const [flag, names] of Object.entries(FLAGS)) {
    if (flag in given && !names.includes(command.cmd))
      throw usageError(`--${flag} does not belong to ctl ${command.cmd}`);
  }
  const socket = given.controlSocket ?? env["TSGATE_CONTROL_SOCKET"] ?? inRuntimeDirectory(env);
  if (socket === undefined) {
    throw usageError(
      "where is the control socket? give --control-socket PATH, as to the server, or set TSGATE_CONTROL_SOCKET",
    );
  }
  return { kind: "ask", socket, command, isJson: given.json === true, isWatch: given.watch === true };
}

function inRuntimeDirectory(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const directory = env["RUNTIME_DIRECTORY"];
  // systemd separates several by colons.
  return directory === undefined || directory === "" ? undefined : `${directory.split(":")[0]}/tsgate.sock`;
}

function commandOf(name: string, values: readonly string[], given: Given): ControlCommand {
  if (!Object.hasOwn(NAMES, name)) {
    const near = nearest(name, Object.keys(NAMES));
    throw usageError(
      `ctl has no command ${JSON.stringify(name)}; ${near === undefined ? "see tsgate ctl --help" : `did you mean ${near}?`}`,
    );
  }
  const cmd = name as ControlName;
  const wanted = NAMES[cmd];
  if (values.length !== (wanted === undefined ? 0 : 1))
    throw usageError(`give tsgate ctl ${name}${wanted === undefined ? " alone" : ` ${wanted}`}`);
  switch (cmd) {
    case "scale":
      return { cmd, workers: integer(values[0], "the number of workers", 1) };
    case "kill":
    case "stack":
      return { cmd, slot: integer(values[0], "a slot", 0) };
    case "reload":
      return { cmd, wait: given.wait === true };
    case "stop":
      return { cmd, quick: given.quick === true };
    case "status":
    case "config":
    case "reopen-logs":
      return { cmd };
  }
}

function integer(value: unknown, what: string, least: number): number {
  try {
    return parseInteger(value, least, 4096);
  } catch (error) {
    throw error instanceof ValueError ? usageError(`${what}: ${error.message}`) : error;
  }
}

function parse(argv: readonly string[]): { given: Given; args: readonly string[] } {
  const program = new Command("tsgate ctl")
    .argument("[words...]")
    .option("--control-socket <path>")
    .option("--json")
    .option("--watch")
    .option("--wait")
    .option("--quick")
    .option("-h, --help")
    .helpOption(false)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError ? inOurWords(error) : error;
  }
  return { given: program.opts<Given>(), args: program.args };
}

function inOurWords({ message }: CommanderError): TsgateError {
  return usageError(`${message.replace(/^error: /, "")}; see tsgate ctl --help`);
}

/** Each command, with the value that it needs. */
const NAMES: { readonly [Name in ControlName]: string | undefined } = {
  status: undefined,
  reload: undefined,
  stop: undefined,
  scale: "N",
  kill: "SLOT",
  stack: "SLOT",
  config: undefined,
  "reopen-logs": undefined,
};

/** Flags that only some commands have. */
const FLAGS: Readonly<Record<string, readonly ControlName[]>> = {
  watch: ["status"],
  wait: ["reload"],
  quick: ["stop"],
};

const HELP = `Usage: tsgate ctl [--control-socket PATH] COMMAND

  status              what the server and each worker do
    --watch             again every second, until Ctrl-C
  reload              configuration and application anew, new workers before old
    --wait              until it has ended; not 0 when the new code does not run
  stop                graceful stop, until the server has gone
    --quick             without waiting for requests
  scale N             N workers
  kill SLOT           SIGKILL for the worker in the slot, which is replaced
  stack SLOT          where the worker in the slot spends its time, or hangs
  config              the settings in force, secrets masked
  reopen-logs         opens log files anew, as USR1 does

  --json              the server's answer as JSON
  --control-socket    as given to the server; else $TSGATE_CONTROL_SOCKET, else
                      $RUNTIME_DIRECTORY/tsgate.sock

Exit codes: 0 done, 1 not done (the reason on standard error), 2 usage.`;
