/**
 * A worker's life: it says hello, is told what to run, loads and starts it, listens, beats, and drains when it is told
 * to, when its master is gone, or when the application threw where nobody catches. It runs no policy.
 */

import type net from "node:net";
import { bindProblem } from "../bind-problem.ts";
import { EXIT, messageOf, reportError, TsgateError } from "../errors.ts";
import type { BootOrder, BootStage, DrainReason, ListenerInfo, Order } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import { log, receiveOrders, report } from "./channel.ts";
import { Connections } from "./connections.ts";
import { drain } from "./drain.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { runWorkerHook } from "./hooks.ts";
import { EXPECTED } from "./identify-application.ts";
import { adoptServer, createServer, listen } from "./http-server.ts";
import { isHttpServer, ListenCapture } from "./listen-capture.ts";
import { loadApplication, type LoadedApplication } from "./load-application.ts";
import { takeSignals } from "./process-signals.ts";
import { outputWritten } from "./output-written.ts";
import { toldReady } from "./told-ready.ts";

/** An orphan's idle connections need not be kept for long: nobody reloads behind it. */
const ORPHAN_LINGER_MS = 1000;
/** How long a master may take to answer that it has seen this worker's SIGTERM. */
const TERM_ANSWER_MS = 1000;

/** A program that has loaded and does not listen yet is named after this long. */
const LATE_MS = 5000;

interface LeaveOptions {
  readonly why: DrainReason;
  readonly deadlineMs: number;
  readonly wholeServer?: boolean;
  readonly exitCode?: number;
}

export class Worker {
  readonly #connections = new Connections();
  readonly #servers: net.Server[] = [];
  /** Other servers of the application, which listen by themselves. */
  readonly #others: net.Server[] = [];
  #order: BootOrder | undefined;
  #app: LoadedApplication | undefined;
  #stage: "load" | "startup" | "started" | "serving" = "load";
  #lacks: string | undefined;
  #isLeaving = false;
  #stopBeating: () => void = () => {};
  #termTimer: NodeJS.Timeout | undefined;
  /** Whether a module that never finishes loading has done enough to be served. */
  #goOnWithout: () => boolean = () => false;

  /** Begins; everything after follows from the master's orders. */
  start(): void {
    takeSignals(() => this.#onTerm());
    process.on("uncaughtException", (error, origin) => this.#onUncaught(error, origin));
    process.once("disconnect", () => this.#onOrphaned());
    process.on("beforeExit", () => this.#onNothingLeft());
    receiveOrders((order, handle) => void this.#obey(order, handle));
    report({ tsgate: "hello" });
  }

  async #obey(order: Order, handle: RawHandle | undefined): Promise<void> {
    switch (order.tsgate) {
      case "boot":
        return this.#boot(order.order);
      case "check":
        return this.#check(order.order);
      case "listen":
        return this.#listen(order.listener, handle);
      case "drain":
        return this.#leave(order);
      case "quit":
        return process.exit(EXIT.stopped);
      case "term-seen":
        clearTimeout(this.#termTimer);
        this.#termTimer = undefined;
        return;
    }
  }

  async #boot(order: BootOrder): Promise<void> {
    this.#take(order);
    const hasToldReady = order.waitReady ? toldReady() : undefined;
    try {
      this.#app = await this.#load(order);
      this.#adopt(this.#app, order);
      this.#reportLoaded(this.#app);
      this.#stage = "startup";
      this.#lacks = undefined;
      await runWorkerHook(order.hooksFile, "postWorkerInit", order.worker);
      await this.#app.lifecycle.startup?.();
      this.#stage = "started";
      await hasToldReady;
      process.channel?.ref();
      report({ tsgate: "application-started" });
    } catch (error) {
      this.#failBoot(error);
    }
  }

  /** Loads and describes the application, and leaves. */
  async #check(order: BootOrder): Promise<void> {
    this.#take(order);
    try {
      this.#reportLoaded(await this.#load(order, { isDryRun: true }));
    } catch (error) {
      this.#failBoot(error);
    }
    process.exit(EXIT.stopped);
  }

  async #load(order: BootOrder, { isDryRun = false } = {}): Promise<LoadedApplication> {
    const capture = new ListenCapture({
      takes: order.interface === "auto" || order.interface === "server",
      match: order.listenMatch,
      isDryRun,
      tcpAddress: order.tcpAddress,
      alsoListening: (server, address) => this.#alsoListening(server, address),
    });
    const waits = (lacks: string): void => {
      this.#lacks = lacks;
      report({ tsgate: "waiting", lacks });
      lateTimer = setTimeout(() => log("warn", "application is late", { waitedMs: LATE_MS, found: lacks }), LATE_MS);
      lateTimer.unref();
    };
    const hasNothingLeft = new Promise<void>((resolve) => {
      this.#goOnWithout = () => {
        if (capture.taken !== undefined) resolve();
        return capture.taken !== undefined;
      };
    });
    let lateTimer: NodeJS.Timeout | undefined;
    try {
      return await loadApplication({ order, capture: capture.install(), hasNothingLeft, waits });
    } finally {
      clearTimeout(lateTimer);
      this.#goOnWithout = () => false;
    }
  }

  /** A program's own server: its connections are counted, and its `close()` makes this worker leave. */
  #adopt(app: LoadedApplication, order: BootOrder): void {
    if (app.interface !== "server") return;
    adoptServer(app.held, order, this.#connections);
    app.held.own({ closed: () => this.#onServerClosed(), connectionCount: () => this.#connections.size });
  }

  #alsoListening(server: net.Server, address: string): void {
    this.#others.push(server);
    if (isHttpServer(server)) this.#connections.track(server);
    report({ tsgate: "also-listening", address });
  }

  #take(order: BootOrder): void {
    this.#order = order;
    process.title = order.processTitle;
    process.argv = [process.execPath, order.app.file, ...order.appArgs];
    // The channel alone must not keep the loop alive while the application boots, or it could wait for ever unseen.
    process.channel?.unref();
  }

  #reportLoaded(app: LoadedApplication): void {
    report({
      tsgate: "application-loaded",
      info: { interface: app.interface, found: app.found, transport: "node:http" },
    });
  }

  async #listen(listener: ListenerInfo, handle: RawHandle | undefined): Promise<void> {
    if (this.#app === undefined || this.#order === undefined || handle === undefined || this.#isLeaving)
      return handle?.close();
    const server = createServer(this.#app, this.#order, this.#connections);
    try {
      await listen(server, listener, handle, this.#order.backlog);
    } catch (error) {
      return this.#failBoot(undefined, `cannot listen on ${listener.address}: ${bindProblem(error)}`, "bind");
    }
    if (this.#servers.push(server) < listener.count) return;
    this.#stage = "serving";
    report({ tsgate: "ready" });
    this.#stopBeating = startHeartbeat(this.#order.heartbeatMs, this.#app.lifecycle.health);
  }

  /** Drains and ends the process. Once: whatever asks again changes nothing. */
  async #leave({ why, deadlineMs, wholeServer = false, exitCode = EXIT.stopped }: LeaveOptions): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#stopBeating();
    const { lifecycle } = this.#app ?? { lifecycle: {} };
    const lingerMs = Math.min(this.#order?.lingerMs ?? 0, why === "orphaned" ? ORPHAN_LINGER_MS : Infinity);
    // Also before it is ready: connections may have come on the first of several sockets.
    if (this.#servers.length > 0) {
      const mayDelay = why !== "orphaned";
      await drain({
        servers: this.#servers,
        others: this.#others,
        held: this.#app?.interface === "server" ? this.#app.held : undefined,
        connections: this.#connections,
        lifecycle,
        lingerMs,
        deadlineMs,
        wholeServer,
        mayDelay,
      });
    }
    if (this.#order !== undefined) await runWorkerHook(this.#order.hooksFile, "workerExit", this.#order.worker);
    await outputWritten();
    process.exit(exitCode);
  }

  #onTerm(): void {
    if (this.#isLeaving) return;
    report({ tsgate: "term-received" });
    this.#termTimer ??= setTimeout(() => this.#leaveAlone("terminated"), TERM_ANSWER_MS);
  }

  #onOrphaned(): void {
    this.#leaveAlone("orphaned");
  }

  #leaveAlone(why: DrainReason, exitCode?: number): void {
    const deadlineMs = this.#order?.gracefulTimeoutMs ?? 0;
    void this.#leave({ why, deadlineMs, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  #onUncaught(error: unknown, origin: string): void {
    // An application that catches these itself has decided to go on.
    if (process.listenerCount("uncaughtException") > 1) return;
    if (this.#isLeaving) {
      log("error", "uncaught exception in the application", { origin, error: reportError(error) });
    } else if (this.#stage === "serving") {
      report({ tsgate: "uncaught", origin, error: reportError(error) });
      this.#leaveAlone("uncaught exception", EXIT.error);
    } else {
      this.#failBoot(error);
    }
  }

  /** The program has had enough, while nobody asked it to leave: what is in flight is answered, and it is replaced. */
  #onServerClosed(): void {
    if (this.#isLeaving) return;
    if (this.#stage !== "serving") {
      this.#failBoot(undefined, `application ${this.#order?.app.text ?? ""} closed its server before it was ready`);
      return;
    }
    report({ tsgate: "server-closed" });
    this.#leaveAlone("closed by the application", EXIT.error);
  }

  /** The loop is empty before the worker is ready: it waits for what can never come. */
  #onNothingLeft(): void {
    if (this.#isLeaving || this.#stage === "serving" || this.#goOnWithout()) return;
    const what = {
      load: "awaits something at its top level that can never settle",
      startup: "has a startup() that can never settle",
      started: "never said process.send('ready'), and nothing is left that could (--wait-ready)",
    };
    const why = this.#lacks === undefined ? what[this.#stage] : `${this.#lacks}; ${EXPECTED.auto}`;
    this.#failBoot(undefined, `application ${this.#order?.app.text ?? ""} ${why}`);
  }

  #failBoot(
    error: unknown,
    summary = this.#summaryOf(error),
    stage: BootStage = this.#stage === "load" ? "load" : "startup",
  ): void {
    const isOurs = error instanceof TsgateError;
    const cause = isOurs ? error.cause : error;
    report({ tsgate: "boot-failed", stage, summary, ...(cause === undefined ? {} : { error: reportError(cause) }) });
    process.exit(EXIT.error);
  }

  #summaryOf(error: unknown): string {
    if (error instanceof TsgateError) return error.message;
    const what = {
      load: "failed to load",
      startup: "failed in startup()",
      started: "failed before it was ready",
      serving: "failed",
    };
    return `application ${this.#order?.app.text ?? ""} ${what[this.#stage]}: ${messageOf(error)}`;
  }
}
