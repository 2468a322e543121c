/**
 * A worker's boot: from its order to an application that has loaded and started, and the sentence that says why when it
 * does not get there. Listens on nothing.
 */

import type net from "node:net";
import { EXIT, messageOf, reportError, TsgateError } from "../errors.ts";
import type { ApplicationOrder, BootOrder } from "../boot-order.ts";
import type { ApplicationInfo, BootStage } from "../messages.ts";
import { ROOT } from "../mount-point.ts";
import { Applications, type MountedApplication } from "./applications.ts";
import { log, report } from "./channel.ts";
import { runWorkerHook } from "./hooks.ts";
import { describeAsked, type HeldServer } from "./held-server.ts";
import { type Candidate, identify } from "./identify-application.ts";
import { type AskedAddress, formatAsked } from "./listen-call.ts";
import { ListenCapture } from "./listen-capture.ts";
import { loadApplication, type LoadedApplication } from "./load-application.ts";
import { countQuestions } from "./questions.ts";
import { type ChosenTransport, chooseTransport } from "./transport.ts";
import { openStaticFiles } from "./static-files.ts";

/** A program that has loaded and does not listen yet is named after this long. */
const LATE_MS = 5000;

export interface BootOptions {
  readonly order: BootOrder;
  /** The application is only looked at. */
  readonly isDryRun: boolean;
  /** A server of the application listens besides. */
  readonly alsoListening: (server: net.Server, address: string, isGuess: boolean) => void;
}

export class Boot {
  readonly #options: BootOptions;
  #stage: "load" | "startup" | "started" = "load";
  /** What the application has not done yet, when the boot waits for that. */
  #lacks: string | undefined;
  /** Whether a module that never finishes loading has done enough to be served. */
  #goOnWithout: () => boolean = () => false;
  readonly #questions = countQuestions();
  /** How many there were when the loop was last empty, once they have all been answered. */
  #answered: number | undefined;
  #isOver = false;
  /** The application that is being loaded, all of them before and after. */
  #text: string;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#text = textOf(options.order);
  }

  /** Finds the application and tells the master of it. Throws what keeps it from being found. */
  async load(): Promise<Applications> {
    const { order } = this.#options;
    process.title = order.processTitle;
    process.argv = [process.execPath, mainModule(order), ...order.appArgs];
    // The channel alone must not keep the loop alive while the application boots, or it could wait for ever unseen.
    process.channel?.unref();
    const capture = this.#capture(order);
    const loaded: MountedApplication[] = [];
    for (const application of order.applications) {
      this.#text = application.app.text;
      if (order.applications.length > 1) report({ tsgate: "loading", application: this.#text });
      const app = await this.#find(order, application, capture);
      loaded.push({ mount: application.mount, text: this.#text, value: app });
      this.#lacks = undefined;
    }
    this.#text = textOf(order);
    const chosen = chooseTransport(loaded, order.transport);
    if ("problem" in chosen) return this.failWith(chosen.problem, { stage: "settings" });
    report({ tsgate: "application-loaded", infos: loaded.map((application) => describe(application, chosen)) });
    return new Applications(loaded, await openStaticFiles(order.staticFolders), chosen.transport);
  }

  /** Runs what comes between loading and listening, and tells the master that it is done. */
  async start(applications: Applications, hasToldReady: Promise<void> | undefined): Promise<void> {
    const { order } = this.#options;
    this.#stage = "startup";
    await runWorkerHook(order.hooksFile, "postWorkerInit", order.worker);
    for (const { text, run } of applications.having("startup")) {
      this.#text = text;
      await run();
    }
    this.#text = textOf(order);
    this.#stage = "started";
    await hasToldReady;
    this.#isOver = true;
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

  /**
   * The loop is empty: what the boot waits for can never come, unless an answer of the master is on its way, which does
   * not keep the loop alive, or all that counts is there.
   */
  nothingLeft(): void {
    const asked = this.#questions();
    if (this.#answered !== asked) {
      this.#answered = asked;
      process.channel?.ref();
      return report({ tsgate: "idle" });
    }
    if (this.#goOnWithout()) return;
    const what = {
      load: "awaits something at its top level that can never settle",
      startup: "has a startup() that can never settle",
      started: "never said process.send('ready'), and nothing is left that could (--wait-ready)",
    };
    this.failWith(`application ${this.#text} ${this.#lacks ?? what[this.#stage]}`);
  }

  /** Whatever had been asked when the loop was empty has been answered. */
  allAnswered(): void {
    if (!this.#isOver) process.channel?.unref();
  }

  #capture(order: BootOrder): ListenCapture {
    const { alsoListening, isDryRun } = this.#options;
    const { applications, listenMatch: match, tcpAddress } = order;
    const wanted = applications[0]?.interface;
    const takes = !hasMounts(order) && (wanted === "auto" || wanted === "server");
    return new ListenCapture({
      takes,
      match,
      isDryRun,
      tcpAddress,
      alsoListening,
      listensInVain,
    }).install();
  }

  async #find(order: BootOrder, application: ApplicationOrder, capture: ListenCapture): Promise<LoadedApplication> {
    const hasNothingLeft = new Promise<void>((resolve) => {
      this.#goOnWithout = () => {
        if (capture.taken === undefined) return false;
        log("warn", "application is late", { found: "listens, but never finishes loading: its exports are not used" });
        resolve();
        return true;
      };
    });
    let lateTimer: NodeJS.Timeout | undefined;
    // With Node alone it would serve from the moment that it listens, whatever else it awaits.
    void capture.whenTaken().then(() => {
      clearTimeout(lateTimer);
      lateTimer = setTimeout(this.#goOnWithout, LATE_MS).unref();
    });
    const waits = (lacks: string, expected?: string): void => {
      this.#lacks = expected === undefined ? lacks : `${lacks}; ${expected}`;
      report({ tsgate: "waiting", lacks });
      const fields = { waitedMs: LATE_MS, found: lacks, waitsFor: "listen(), until --boot-timeout" };
      lateTimer = setTimeout(() => log("warn", "application is late", fields), LATE_MS);
      lateTimer.unref();
    };
    try {
      return await loadApplication({
        order: { ...order, ...application },
        isAmongOthers: hasMounts(order),
        isMain: application === order.applications[0],
        capture,
        hasNothingLeft,
        ignores,
        waits,
      });
    } finally {
      clearTimeout(lateTimer);
      this.#goOnWithout = () => false;
    }
  }

  #summaryOf(error: unknown): string {
    const what = { load: "failed to load", startup: "failed in startup()", started: "failed before it was ready" };
    return `application ${this.#text} ${what[this.#stage]}: ${messageOf(error)}`;
  }
}

function textOf({ applications }: BootOrder): string {
  return applications.map(({ app }) => app.text).join(", ");
}

function hasMounts({ applications }: BootOrder): boolean {
  return applications.some(({ mount }) => mount.text !== ROOT.text);
}

function describe(
  { mount, text, value: { interface: kind, found, ignored } }: MountedApplication,
  chosen: ChosenTransport,
): ApplicationInfo {
  const left = ignored === undefined ? {} : { ignored };
  return { mount: mount.text, application: text, interface: kind, found, ...chosen, ...left };
}

/** The module that counts as what was started. */
export function mainModule({ applications }: BootOrder): string {
  return applications[0]?.app.file ?? "";
}

/** A server for metrics, say, would get the sockets of the application. */
function ignores(candidate: Candidate, { asked }: HeldServer): void {
  const found = identify(candidate, "auto");
  if ("problem" in found || found.interface === "server" || asked === undefined) return;
  log("warn", "export ignored: the module listens by itself", {
    served: describeAsked(asked),
    ignored: found.found,
    hint: `to serve the export, add --interface ${found.interface}`,
  });
}

function listensInVain(asked: AskedAddress): void {
  log("warn", "listen() ignored: the exported application is served", {
    asked: formatAsked(asked),
    hint: "to have the worker wait for it, add --interface server",
  });
}
