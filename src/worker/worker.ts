/**
 * A worker's life: it says hello, is told what to run, loads and starts it, listens, beats, and drains when it is told
 * to, when its master is gone, or when the application threw where nobody catches. It runs no policy.
 */

import type net from "node:net";
import { bindProblem } from "../bind-problem.ts";
import { EXIT, messageOf, reportError } from "../errors.ts";
import { REQUESTS_TOLD } from "../hung-account.ts";
import type { BootOrder } from "../boot-order.ts";
import type { DrainReason, ListenerInfo, Order } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import { RequestWatch } from "./access/request-watch.ts";
import { giveAccountOf } from "./account.ts";
import type { Applications } from "./applications.ts";
import { Boot, mainModule } from "./boot.ts";
import { reportApplicationMetrics, reportLastApplicationMetrics } from "./application-metrics.ts";
import { log, receiveOrders, report } from "./channel.ts";
import { Clientele } from "./clientele.ts";
import { Connections } from "./connections.ts";
import { drain } from "./drain.ts";
import { Handover } from "./handover.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";
import { runWorkerHook } from "./hooks.ts";
import { adoptServer } from "./http-server.ts";
import { closeIfIdle } from "./close-unless-read.ts";
import type { EngineTransport } from "./engine-transport.ts";
import { expectInspector, keepInspectable } from "./inspection.ts";
import { isHttpServer } from "./listen-capture.ts";
import { tellProfile } from "./profile.ts";
import { takeSignals } from "./process-signals.ts";
import { keepLastWords, outliveReader, outputWritten } from "./output-written.ts";
import { Reception } from "./reception.ts";
import { RequestStats } from "./request-stats.ts";
import { reportStats } from "./stats-reporter.ts";
import { settledWithin } from "../settled-within.ts";
import { toldReady } from "./told-ready.ts";
import type { PythonFailure } from "./wsgi/python-failure.ts";
import type { PythonHost } from "./wsgi/python-host.ts";

/** An orphan's idle connections need not be kept for long: nobody reloads behind it. */
const ORPHAN_LINGER_MS = 1000;
/** How long a server must have listened to be more than a probe. */
const PROBE_MS = 100;
/** How long a master may take to say whose the connections are that came just before the end. */
const ARRIVALS_MS = 1000;
/** How long a master may take to answer that it has seen this worker's SIGTERM. */
const TERM_ANSWER_MS = 1000;

interface LeaveOptions {
  readonly why: DrainReason;
  readonly deadlineMs: number;
  readonly wholeServer?: boolean;
  readonly exitCode?: number;
}

export class Worker {
  readonly #connections = new Connections();
  readonly #clientele = new Clientele(this.#connections);
  /** Other servers of the application, which listen by themselves. */
  readonly #others: net.Server[] = [];
  #order: BootOrder | undefined;
  #applications: Applications | undefined;
  /** From when the application has loaded. */
  #reception: Reception | undefined;
  #requests: RequestWatch | undefined;
  /** Until it is ready. */
  #boot: Boot | undefined;
  #isLeaving = false;
  /** While it leaves and others stay. */
  #handover: Handover | undefined;
  /** Once it is ready. */
  #heartbeat: Heartbeat | undefined;
  #beaten: () => void = () => {};
  #forgetAsking: () => void = () => {};
  #termTimer: NodeJS.Timeout | undefined;

  /** Begins; everything after follows from the master's orders. */
  start(): void {
    takeSignals(() => this.#onTerm());
    this.#beaten = keepInspectable();
    this.#forgetAsking = giveAccountOf(this.#connections);
    process.on("uncaughtException", (error, origin) => this.#onUncaught(error, origin));
    process.once("disconnect", () => this.#onOrphaned());
    process.on("beforeExit", () => {
      if (!this.#isLeaving) this.#boot?.nothingLeft();
    });
    receiveOrders((order, handle) => void this.#obey(order, handle));
    report({ tsgate: "hello" });
  }

  async #obey(order: Order, handle: RawHandle | undefined): Promise<void> {
    switch (order.tsgate) {
      case "boot":
        return this.#start(order.order);
      case "check":
        return this.#check(order.order);
      case "listen":
        return this.#listen(order.listener, handle);
      case "pause":
      case "resume":
      case "report-load":
        return this.#reception?.obey(order);
      case "hold-connection":
        return report({ tsgate: "connection-answered", move: order.move, isHeld: this.#hold(order, handle) });
      case "serve-connection":
        return this.#reception?.arrivals.serve(order.move);
      case "drop-connection":
        return this.#reception?.arrivals.drop(order.move);
      case "offer-answered":
        return this.#handover?.answered(order.token, order.isTaken, order.mayTryAgain);
      case "drain":
        return this.#leave(order);
      case "reopen-logs":
        await this.#requests?.reopen();
        return report({ tsgate: "logs-reopened" });
      case "quit":
        return process.exit(EXIT.stopped);
      case "all-answered":
        return this.#boot?.allAnswered();
      case "term-seen":
        clearTimeout(this.#termTimer);
        this.#termTimer = undefined;
        return;
      case "tell-application-metrics":
        if (this.#order !== undefined) await reportApplicationMetrics(order.request, mainModule(this.#order));
        return;
      case "profile":
        return tellProfile(order.request, order.durationMs, this.#pythons());
      case "asked":
        this.#forgetAsking();
        return expectInspector();
    }
  }

  async #start(order: BootOrder): Promise<void> {
    const boot = this.#begin(order);
    const hasToldReady = order.waitReady ? toldReady() : undefined;
    if (order.isOutputCaptured) {
      outliveReader();
      keepLastWords();
    }
    const requests = new RequestWatch(order, this.#connections);
    this.#requests = requests;
    try {
      this.#applications = await boot.load();
      this.#adopt(this.#applications, requests);
      const engine = await this.#openEngine(this.#applications, requests);
      this.#reception = new Reception(this.#applications, order, this.#clientele, requests, engine);
      await boot.start(this.#applications, hasToldReady);
    } catch (error) {
      boot.fail(error);
    }
  }

  /** The engine, which is loaded where it serves; undefined where `node:http` does. */
  async #openEngine(applications: Applications, requests: RequestWatch): Promise<EngineTransport | undefined> {
    if (applications.transport !== "engine" || this.#order === undefined) return undefined;
    const { EngineTransport } = await import("./engine-transport.ts");
    return new EngineTransport(applications, this.#order, this.#clientele, requests);
  }

  /** Loads and describes the application, and leaves. */
  async #check(order: BootOrder): Promise<void> {
    const boot = this.#begin(order, { isDryRun: true });
    await boot.load().catch((error: unknown) => boot.fail(error));
    process.exit(EXIT.stopped);
  }

  #begin(order: BootOrder, { isDryRun = false } = {}): Boot {
    const alsoListening = (server: net.Server, address: string, isGuess: boolean): void => {
      this.#others.push(server);
      if (isHttpServer(server)) this.#clientele.tracking.track(server);
      // Programs try out whether a port is free: what is closed at once is not worth a line.
      const tell = (): void => {
        if (server.listening) report({ tsgate: "also-listening", address, isGuess });
      };
      setTimeout(tell, PROBE_MS).unref();
    };
    this.#order = order;
    if (order.measures) this.#connections.stats = new RequestStats(order.applications.map(({ mount }) => mount.text));
    if (order.proxy !== undefined) this.#clientele.expectIntroductions(order.proxy);
    this.#boot = new Boot({ order, isDryRun, alsoListening });
    return this.#boot;
  }

  /** A program's own server: its connections are counted, and its `close()` makes this worker leave. */
  #adopt({ all, program }: Applications, { observer }: RequestWatch): void {
    for (const { value: app } of all)
      if (app.interface === "wsgi") {
        app.python.whenFailed = (failure) => this.#onPythonFailed(failure);
        // Where nothing else is served, and somebody else can.
        if (all.length === 1 && this.#order?.multiprocess === true)
          app.python.whenBusy = (isBusy) => this.#reception?.busy(isBusy);
      }
    if (program === undefined) return;
    adoptServer(program, this.#clientele.tracking, observer);
    program.own({ closed: () => this.#onServerClosed(), connectionCount: () => this.#connections.size });
  }

  async #listen(listener: ListenerInfo, handle: RawHandle | undefined): Promise<void> {
    const reception = this.#reception;
    if (this.#applications === undefined || this.#order === undefined || reception === undefined || this.#isLeaving)
      return handle?.close();
    this.#clientele.watch();
    this.#requests?.open();
    try {
      if (!(await reception.take(listener, handle))) return;
    } catch (error) {
      return this.#boot?.failWith(`cannot listen on ${listener.address}: ${bindProblem(error)}`, { stage: "bind" });
    }
    this.#boot = undefined;
    report({ tsgate: "ready" });
    this.#heartbeat = startHeartbeat({
      intervalMs: this.#order.heartbeatMs,
      health: this.#applications.lifecycle.health,
      requests: () => this.#connections.requests,
      load: () => reception.load(),
      besideBytes: () => this.#besideBytes(),
      beaten: this.#beaten,
    });
    this.#clientele.keepBeating(this.#heartbeat);
    // Where beats are rare, the replacement would come late.
    this.#connections.whenRequests(this.#order.maxRequests, () => this.#heartbeat?.beat());
    if (this.#connections.stats !== undefined) await reportStats(this.#connections.stats, this.#connections);
  }

  /** Memory of the processes that serve with this one. */
  #besideBytes(): number {
    return this.#pythons().reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  }

  #pythons(): readonly PythonHost[] {
    const all = this.#applications?.all ?? [];
    return all.flatMap(({ value: app }) => (app.interface === "wsgi" ? [app.python] : []));
  }

  /** Holds an idle connection of another worker, if it can serve it. */
  #hold(order: Extract<Order, { tsgate: "hold-connection" }>, handle: RawHandle | undefined): boolean {
    if (this.#reception !== undefined) return this.#reception.hold(order, handle);
    handle?.close();
    return false;
  }

  /** Drains and ends the process. Once: whatever asks again changes nothing. */
  async #leave({ why, deadlineMs, wholeServer = false, exitCode = EXIT.stopped }: LeaveOptions): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#heartbeat?.stopAsking();
    const { lifecycle } = this.#applications ?? { lifecycle: {} };
    const lingerMs = Math.min(this.#order?.lingerMs ?? 0, why === "orphaned" ? ORPHAN_LINGER_MS : Infinity);
    // Also before it is ready: connections may have come on the first of several sockets.
    this.#reception?.leave(wholeServer);
    await settledWithin(ARRIVALS_MS, this.#reception?.arrivals.settled());
    const servers = this.#reception?.servers ?? [];
    if (servers.length > 0) {
      const mayDelay = why !== "orphaned";
      if (!wholeServer && mayDelay) this.#handover = new Handover(closeIfIdle);
      await drain({
        servers,
        others: this.#others,
        held: this.#applications?.program,
        connections: this.#connections,
        handover: this.#handover,
        lifecycle,
        lingerMs,
        deadlineMs,
        wholeServer,
        mayDelay,
      });
    }
    // What it has served and grown to in the end.
    this.#heartbeat?.beat();
    if (this.#order?.measures === true) await reportLastApplicationMetrics(mainModule(this.#order));
    if (this.#order !== undefined) await runWorkerHook(this.#order.hooksFile, "workerExit", this.#order.worker);
    await outputWritten(this.#requests?.written());
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

  /** It cannot go on as it is: what can be answered is, and it is replaced. */
  #onUncaught(error: unknown, origin: string): void {
    // An application that catches these itself has decided to go on.
    if (process.listenerCount("uncaughtException") > 1) return;
    if (this.#isLeaving) {
      const underway = this.#connections.inFlight(REQUESTS_TOLD);
      log("error", "uncaught exception in the application", { origin, error: reportError(error), ...underway });
    } else if (this.#boot !== undefined) {
      this.#boot.fail(error);
    } else if (this.#order === undefined) {
      const summary = `a module failed before the application was loaded (--import): ${messageOf(error)}`;
      report({ tsgate: "boot-failed", stage: "load", summary, error: reportError(error) });
      process.exit(EXIT.error);
    } else {
      const underway = this.#connections.inFlight(REQUESTS_TOLD);
      report({ tsgate: "uncaught", origin, error: reportError(error), ...underway });
      this.#leaveAlone("uncaught exception", EXIT.error);
    }
  }

  /** The same, because of what it has beside it: whoever waits for Python is answered by another interpreter meanwhile. */
  #onPythonFailed({ how, facts, error }: PythonFailure): void {
    if (this.#boot !== undefined) return this.#boot.fail(error);
    report({ tsgate: "python-failed", how, facts });
    this.#leaveAlone(how, EXIT.error);
  }

  /** The program has had enough, while nobody asked it to leave: what is in flight is answered, and it is replaced. */
  #onServerClosed(): void {
    if (this.#isLeaving) return;
    this.#boot?.failWith(
      `application ${this.#order?.applications[0]?.app.text ?? ""} closed its server before it was ready`,
    );
    report({ tsgate: "server-closed" });
    this.#leaveAlone("closed by the application", EXIT.error);
  }
}
