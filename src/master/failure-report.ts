/** What is said of a worker that failed: the sentence, and the exit code when it halts the server. */

import { EXIT, type ExitCode, TsgateError } from "../errors.ts";
import type { Report } from "../messages.ts";
import { KILLED_FOR_MEMORY } from "./exit-cause.ts";
import type { BootFailure, EndCause, WorkerState } from "./model.ts";
import { applicationsText, type Release } from "./release.ts";

/** As much of a worker's end as is needed to say why. */
export interface Death {
  readonly cause: EndCause;
  readonly lastState: WorkerState;
  readonly failure: BootFailure | undefined;
  /** Of several applications, the one that it was loading. */
  readonly loading: string | undefined;
  readonly lacks: string | undefined;
}

/** A worker's own account of its failed boot. */
export function bootFailure(report: Extract<Report, { tsgate: "boot-failed" }>): BootFailure {
  return {
    summary: report.summary,
    stack: report.error?.stack,
    stage: report.stage,
  };
}

/** The error that ends a server whose first worker never became ready. */
export function haltError(death: Death, code: number | null, signal: string | null, release: Release): TsgateError {
  const { failure } = death;
  const message = describeFailure(death, code, signal, release);
  const cause =
    failure?.stack === undefined ? undefined : Object.assign(new Error(failure.summary), { stack: failure.stack });
  return new TsgateError("FIRST_WORKER_FAILED", message, { exitCode: exitCodeOf(death), cause });
}

/** One sentence: what the worker of a new generation died of. */
export function describeFailure(death: Death, code: number | null, signal: string | null, release: Release): string {
  const { failure, cause, lastState, loading, lacks } = death;
  if (failure !== undefined) return failure.summary;
  const app = `application ${loading ?? applicationsText(release)}`;
  if (cause === KILLED_FOR_MEMORY) return `${app} was killed by the kernel, because memory ran out, ${when(death)}`;
  const seconds = release.configuration.settings.bootTimeout / 1000;
  if (cause === "boot timeout") {
    if (lacks !== undefined) return `${app} ${lacks} within ${seconds} s (--boot-timeout)`;
    return hadLoaded(death)
      ? `${app} has loaded, but its worker was not ready within ${seconds} s (--boot-timeout)`
      : `${app} did not finish loading within ${seconds} s (--boot-timeout)`;
  }
  const exit = `with exit code ${code ?? "unknown"}`;
  if (lastState.name === "booting" && lastState.progress === "forked") {
    const ended = signal === null ? `ended ${exit}` : `was killed by ${signal}`;
    return `the worker's process ${ended} before it could load anything (it was started with --node-arg and --import)`;
  }
  const end = signal === null ? `ended its process ${exit}` : `was killed by ${signal}`;
  return `${app} ${end} ${when(death)}`;
}

function when(death: Death): string {
  if (death.lastState.name !== "booting") return "soon after it was ready";
  return hadLoaded(death) ? "before its worker was ready" : "while it was loading";
}

function exitCodeOf(death: Death): ExitCode {
  switch (death.failure?.stage) {
    case "bind":
      return EXIT.cannotBind;
    case "settings":
      return EXIT.usage;
    case "load":
    case "startup":
    case undefined:
      return hadLoaded(death) ? EXIT.workerFailedToBoot : EXIT.applicationFailedToLoad;
  }
}

function hadLoaded({ failure, lastState }: Death): boolean {
  if (failure !== undefined) return failure.stage !== "load";
  return lastState.name !== "booting" || (lastState.progress !== "forked" && lastState.progress !== "greeted");
}

/** No worker was ready for the time that `--give-up` allows. */
export function gaveUp(giveUpMs: number): TsgateError {
  const message = `no worker has been ready for ${giveUpMs / 1000} s (--give-up)`;
  return new TsgateError("GAVE_UP", message, { exitCode: EXIT.workerFailedToBoot });
}
