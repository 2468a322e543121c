/** Runs the cases against a server under test, one after the other, each alone and through the validator. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Case, loadCases } from "../case.ts";
import { runCase, type Traces } from "../run-case.ts";
import { ServerUnderTest } from "./server-under-test.ts";

export interface Outcome {
  readonly name: string;
  readonly isValidated: boolean;
  readonly rules: readonly string[];
  /** What differed; undefined when nothing did. */
  readonly problem: string | undefined;
}

export interface SuiteOptions {
  /** The command line of the server, for the shell. */
  readonly command: string;
  /** Only cases whose name, or one of whose rules, contains this. */
  readonly only?: string | undefined;
  /** Cases that are not run. */
  readonly except?: readonly string[];
  /** How many processes load the module; default 1. */
  readonly processes?: number;
  /** Whether the server is told to reload, by SIGHUP, when half of the cases have run. */
  readonly reloads?: boolean;
  readonly onOutcome?: (outcome: Outcome) => void;
  /** Ends the suite, and the server. */
  readonly signal?: AbortSignal;
}

/** Resolves with how each case went. Rejects when the server does not come up, or `signal` aborts. */
export async function runSuite(options: SuiteOptions): Promise<readonly Outcome[]> {
  const { command, only = "", except = [], processes = 1, reloads = false, onOutcome, signal } = options;
  const folder = await mkdtemp(path.join(tmpdir(), "gateway-suite-"));
  let server: ServerUnderTest | undefined;
  signal?.addEventListener("abort", () => void server?.stop());
  try {
    const modulePath = await bundleModule(folder);
    const outcomes: Outcome[] = [];
    const all = loadCases().filter(({ name }) => !except.includes(name));
    const cases = all.filter(({ name, rules }) => name.includes(only) || rules.includes(only));
    for (const [index, wanted] of cases.entries()) {
      for (const isValidated of [false, true]) {
        if (server?.isServing !== true) {
          await server?.stop();
          server = await ServerUnderTest.start(command, modulePath, processes);
        }
        if (reloads && !isValidated && index === Math.floor(cases.length / 2)) {
          await server.reload(AbortSignal.timeout(RELOAD_MS));
        }
        const outcome = await attempt(server, wanted, isValidated);
        signal?.throwIfAborted();
        outcomes.push(outcome);
        onOutcome?.(outcome);
      }
    }
    return outcomes;
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundleModule(folder: string): Promise<string> {
  const outfile = path.join(folder, MODULE);
  await build({
    entryPoints: [fileURLToPath(new URL("served.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "warning",
  });
  return outfile;
}

async function attempt(server: ServerUnderTest, wanted: Case, isValidated: boolean): Promise<Outcome> {
  const { name, rules } = wanted;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`nothing came for ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    await server.application.ask({ become: { application: wanted.application, isValidated } }, patience.signal);
    const from = server.output.length;
    const traces = async (): Promise<Traces> => {
      const { probe, findings } = await server.application.ask({}, patience.signal);
      const errors = isValidated ? undefined : errorsIn(server.output.slice(from), wanted);
      return { probe, findings: isValidated ? findings : undefined, errors };
    };
    await runCase(wanted, { port: server.port, traces }, patience.signal);
    return { name, isValidated, rules, problem: undefined };
  } catch (error) {
    // It may be busy for ever.
    if (patience.signal.aborted) await server.stop();
    return { name, isValidated, rules, problem: problemOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Of the errors that must be reported, those that the server has written down. */
function errorsIn(output: string, { rules, breaks, errors = [] }: Case): readonly string[] {
  // What a server says of an application's breach are words of its own: there must be some.
  if (breaks !== undefined) return /\S/.test(output) ? errors : [];
  // A stack names the file of the application.
  if (rules.includes("X-3") && !output.includes(MODULE)) return [];
  // What an application gives up with whose client is gone must not be there.
  if (rules.includes("X-5")) return ["AbortError"].filter((text) => output.includes(text));
  return errors.filter((text) => output.includes(text));
}

function problemOf(error: unknown): string {
  if (error instanceof assert.AssertionError && error.generatedMessage) {
    return `${JSON.stringify(error.actual)}, not ${JSON.stringify(error.expected)}`;
  }
  // Behind its first line Node shows what differs once more.
  return error instanceof Error ? (error.message.split("\n", 1)[0] as string) : String(error);
}

const MODULE = "application.mjs";
const PATIENCE_MS = 30_000;
const RELOAD_MS = 60_000;
