/**
 * The command: parses its line, does what it asks, says what went wrong in one sentence, and ends the process. The
 * only place in the master that exits.
 */

// First of all imports: the first worker's process starts while the others load.
import "./early-fork.ts";
import fs from "node:fs";
import { printConfiguration } from "../config/print-config.ts";
import { resolveConfiguration } from "../config/resolve.ts";
import { EXIT, type ExitCode, hasUserPlace, messageOf, reportError, TsgateError } from "../errors.ts";
import { checkApplication } from "../master/check-application.ts";
import { prepareFirstRelease } from "../master/release.ts";
import { runServer } from "../master/run-server.ts";
import { dropSpare } from "../master/spare-worker.ts";
import { unsupportedPlatform } from "./platform.ts";
import { runCtl } from "./ctl/ctl.ts";
import { standardOutput } from "./ctl/output.ts";
import { type CommandLine, parseCommandLine } from "./program.ts";

/** Taken before a configuration file is read: while one is, `process.exit` is none. */
const endProcess: (exitCode: ExitCode) => never = process.exit.bind(process);

type RunCommand = Extract<CommandLine, { kind: "run" }>;

async function main(argv: readonly string[]): Promise<ExitCode> {
  const unsupported = unsupportedPlatform();
  if (unsupported !== undefined) throw new TsgateError("UNSUPPORTED", unsupported, { exitCode: EXIT.error });
  if (argv[0] === "ctl") return runCtl(argv.slice(1), process.env, standardOutput(process.env));
  const command = parseCommandLine(argv);
  if (command.kind !== "run") {
    say(1, command.text);
    return EXIT.stopped;
  }
  return run(command);
}

async function run({ flags, app, appArgs, mode }: RunCommand): Promise<ExitCode> {
  const request = { flags, app, appArgs, env: process.env, cwd: process.cwd() };
  if (mode === "serve") {
    const { error, exitCode } = await runServer(request);
    if (error !== undefined) complain(error);
    return exitCode;
  }
  const release = await prepareFirstRelease(async () => resolveConfiguration(request));
  if (mode === "print-config") say(1, printConfiguration(release.configuration));
  const described = (await checkApplication(release)).map(
    ({ application, interface: kind, found, transport }) =>
      `${application} is of kind ${kind} (${found}), served by ${kind === "server" ? "its own server (node:http)" : transport}`,
  );
  say(1, `the configuration is valid; ${described.join("\n")}`);
  return EXIT.stopped;
}

/** One sentence, and below it the stack of the user's own error if there is one. */
function complain(error: unknown): void {
  say(2, `tsgate: ${messageOf(error)}`);
  const cause = error instanceof TsgateError ? error.cause : error;
  const { stack } = reportError(cause);
  if (cause !== undefined && stack !== undefined && hasUserPlace(stack)) say(2, stack);
}

function say(fd: 1 | 2, text: string): void {
  try {
    fs.writeSync(fd, text.endsWith("\n") ? text : `${text}\n`);
  } catch {
    // Nobody reads any more.
  }
}

function exit(exitCode: ExitCode): never {
  dropSpare();
  endProcess(exitCode);
}

main(process.argv.slice(2)).then(exit, (error: unknown) => {
  complain(error);
  exit(error instanceof TsgateError ? error.exitCode : EXIT.error);
});
