/**
 * A worker's boot: from its order to an application that has loaded and started, and the sentence that says why when it
 * does not get there. Listens on nothing.
 */

import type net from "node:net";
import { EXIT, messageOf, reportError, TsgateError } from "../errors.ts";
import type { BootOrder, BootStage } from "../messages.ts";
import { log, report } from "./channel.ts";
import { runWorkerHook } from "./hooks.ts";
import { EXPECTED } from "./identify-application.ts";
import { ListenCapture } from "./listen-capture.ts";
import { loadApplication, type LoadedApplication } from "./load-application.ts";

/** A program that has loaded and does not listen yet is named after this long. */
const LATE_MS = 5000;

export interface BootOptions {
  readonly order: BootOrder;
  /** The application is only looked at. */
  readonly isDryRun: boolean;
  /** A server of the application listens besides. */
  readonly alsoListening: (server: net.Server, address: string) => void;
}

export class Boot {
  readonly #options: BootOptions;
  #stage: "load" | "startup" | "started" = "load";
  /** What the application has not done yet, when the boot waits for that. */
  #lacks: string | undefined;
  /** Whether a module that never finishes loading has done enough to be served. */
  #goOnWithout: () => boolean = () => false;

  constructor(options: BootOptions) {
    this.#options = options;
  }

  /** Finds the application and tells the master of it. Throws what keeps it from being found. */
  async load(): Promise<LoadedApplication> {
    const { order } = this.#options;
    process.title = order.processTitle;
    process.argv = [process.execPath, order.app.file, ...order.appArgs];
    // The channel alone must not keep the loop alive while the application boots, or it could wait for ever unseen.
    process.channel?.unref();
    const app = await this.#find(order);
    this.#lacks = undefined;
    report({
      tsgate: "application-loaded",
      info: { interface: app.interface, found: app.found, transport: "node:http" },
    });
    return app;
  }

  /** Runs what comes between loading and listening, and tells the master that it is done. */
  async start(app: LoadedApplication, hasToldReady: Promise<void> | undefined): Promise<void> {
    const { order } = this.#options;
    this.#stage = "startup";
    await runWorkerHook(order.hooksFile, "postWorkerInit", order.worker);
    await app.lifecycle.startup?.();
    this.#stage = "started";
    await hasToldReady;
    process.channel?.ref();
    report({ tsgate: "application-started" });
  }

  /** Tells the master why, and ends the process. */
  fail(error: unknown): never {
    const cause = error instanceof TsgateError ? error.cause : error;
    return this.failWith(error instanceof TsgateError ? error.message : this.#summaryOf(error), { cause });
  }

  failWith(summary: string, { cause, stage }: { cause?: unknown; stage?: BootStage } = {}): never {
    const about = stage ?? (this.#stage === "load" ? "load" : "startup");
    const error = cause === undefined ? {} : { error: reportError(cause) };
    report({ tsgate: "boot-failed", stage: about, summary, ...error });
    process.exit(EXIT.error);
  }

  /** The loop is empty: what the boot waits for can never come, unless all that counts is there. */
  nothingLeft(): void {
    if (this.#goOnWithout()) return;
    const what = {
      load: "awaits something at its top level that can never settle",
      startup: "has a startup() that can never settle",
      started: "never said process.send('ready'), and nothing is left that could (--wait-ready)",
    };
    const why = this.#lacks === undefined ? what[this.#stage] : `${this.#lacks}; ${EXPECTED.auto}`;
    this.failWith(`application ${this.#options.order.app.text} ${why}`);
  }

  async #find(order: BootOrder): Promise<LoadedApplication> {
    const { alsoListening, isDryRun } = this.#options;
    const takes = order.interface === "auto" || order.interface === "server";
    const { listenMatch: match, tcpAddress } = order;
    const capture = new ListenCapture({ takes, match, isDryRun, tcpAddress, alsoListening }).install();
    const hasNothingLeft = new Promise<void>((resolve) => {
      this.#goOnWithout = () => {
        if (capture.taken === undefined) return false;
        resolve();
        return true;
      };
    });
    let lateTimer: NodeJS.Timeout | undefined;
    const waits = (lacks: string): void => {
      this.#lacks = lacks;
      report({ tsgate: "waiting", lacks });
      lateTimer = setTimeout(() => log("warn", "application is late", { waitedMs: LATE_MS, found: lacks }), LATE_MS);
      lateTimer.unref();
    };
    try {
      return await loadApplication({ order, capture, hasNothingLeft, waits });
    } finally {
      clearTimeout(lateTimer);
      this.#goOnWithout = () => false;
    }
  }

  #summaryOf(error: unknown): string {
    const what = { load: "failed to load", startup: "failed in startup()", started: "failed before it was ready" };
    return `application ${this.#options.order.app.text} ${what[this.#stage]}: ${messageOf(error)}`;
  }
}
