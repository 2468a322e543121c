/**
 * `npm run conformance -- --server COMMAND [--only TEXT]`: the suite against any server of the gateway. What is asked of
 * the command stands in docs/gateway.md. Ends with 0 when all cases passed, 1 when some did not, 2 when nothing could run.
 */

import { parseArgs } from "node:util";
import { type Outcome, runSuite } from "./external/run-suite.ts";

// The server is in a group of its own: what reaches this process does not reach it.
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interruption.abort(new Error("interrupted")));

const USAGE =
  "say which server: npm run conformance -- --server 'COMMAND' [--only TEXT]; what the command has to do stands in docs/gateway.md";

const values = readArguments();

if (values.help === true) {
  console.log(USAGE);
} else if (values.server === undefined || values.server.trim() === "") {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    const outcomes = await runSuite({
      command: values.server,
      only: values.only,
      onOutcome: tell,
      signal: interruption.signal,
    });
    if (outcomes.length === 0) throw new Error(`no case has ${values.only} in its name, and none proves that rule`);
    process.exitCode = summarise(outcomes) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}

function readArguments(): { server?: string; only?: string; help?: boolean } {
  try {
    const options = { server: { type: "string" }, only: { type: "string" }, help: { type: "boolean" } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    console.error((error as Error).message);
    return {};
  }
}

function tell({ name, isValidated, rules, problem }: Outcome): void {
  if (problem === undefined) return;
  console.log(`${rules.join(" ")}: ${name}${isValidated ? ", through the validator" : ""}: ${problem}`);
}

/** Whether all is well. */
function summarise(outcomes: readonly Outcome[]): boolean {
  const failed = outcomes.filter(({ problem }) => problem !== undefined);
  console.log(`${outcomes.length - failed.length} of ${outcomes.length} passed`);
  return failed.length === 0;
}
