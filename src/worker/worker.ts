/**
 * A worker's life: it says hello, is told what to run, loads and starts it, listens, beats, and departs when it is told
 * to, when its master is gone, or when the application threw where nobody catches. It runs no policy.
 */

import type net from "node:net";
import { bindProblem } from "../bind-problem.ts";
import { EXIT, messageOf, reportError } from "../errors.ts";
import { REQUESTS_TOLD } from "../hung-account.ts";
import type { BootOrder } from "../boot-order.ts";
import type { ListenerInfo, Order } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import { RequestWatch } from "./access/request-watch.ts";
import { giveAccountOf } from "./account.ts";
import type { Applications } from "./applications.ts";
import { Boot, mainModule } from "./boot.ts";
import { reportApplicationMetrics } from "./application-metrics.ts";
import { log, receiveOrders, report } from "./channel.ts";
import { Clientele } from "./clientele.ts";
import { Connections } from "./connections.ts";
import { Departure } from "./departure.ts";
import { Giving } from "./giving.ts";
import { Handover } from "./handover.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";
import { adoptServer } from "./http-server.ts";
import type { EngineTransport } from "./engine-transport.ts";
import { expectInspector, keepInspectable } from "./inspection.ts";
import { optimisedLate } from "./late-optimising.ts";
import { isHttpServer } from "./listen-capture.ts";
import { tellProfile } from "./profile.ts";
import { takeSignals } from "./process-signals.ts";
import { keepLastWords, outliveReader } from "./output-written.ts";
import { Reception } from "./reception.ts";
import { RequestStats } from "./request-stats.ts";
import { reportStats } from "./stats-reporter.ts";
import { toldReady } from "./told-ready.ts";
import type { PythonFailure } from "./wsgi/python-failure.ts";

/** How long a server must have listened to be more than a probe. */
const PROBE_MS = 100;

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
  readonly #handover = new Handover();
  readonly #giving = new Giving({ connections: this.#connections, handover: this.#handover, tell: report });
  /** Once it is ready. */
  #heartbeat: Heartbeat | undefined;
  #beaten: () => void = () => {};
  #forgetAsking: () => void = () => {};
  readonly #departure = new Departure(() => ({
    connections: this.#connections,
    handover: this.#handover,
    others: this.#others,
    order: this.#order,
    applications: this.#applications,
    reception: this.#reception,
    requests: this.#requests,
    heartbeat: this.#heartbeat,
  }));

  /** Begins; everything after follows from the master's orders. */
  start(): void {
    takeSignals(() => this.#departure.termReceived());
    this.#beaten = keepInspectable();
    this.#forgetAsking = giveAccountOf(this.#connections);
    process.on("uncaughtException", (error, origin) => this.#onUncaught(error, origin));
    process.once("disconnect", () => this.#departure.alone("orphaned"));
    process.on("beforeExit", () => {
      if (!this.#departure.hasBegun) this.#boot?.nothingLeft();
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
        return this.#handover.answered(order.token, order.isTaken, order.mayTryAgain);
      case "give-connections":
        // One that leaves offers all that it has.
        return this.#departure.hasBegun ? undefined : this.#giving.give(order);
      case "drain":
        return this.#departure.begin(order);
      case "reopen-logs":
        await this.#requests?.reopen();
        return report({ tsgate: "logs-reopened" });
      case "quit":
        return process.exit(EXIT.stopped);
      case "all-answered":
        return this.#boot?.allAnswered();
      case "term-seen":
        return this.#departure.termSeen();
      case "tell-application-metrics":
        if (this.#order !== undefined) await reportApplicationMetrics(order.request, mainModule(this.#order));
        return;
      case "profile":
        return tellProfile(order.request, order.durationMs, this.#applications?.pythons ?? []);
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
    const { EngineTransport } = await optimisedLate(() => import("./engine-transport.ts"));
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
    const applications = this.#applications;
    if (applications === undefined || this.#order === undefined || reception === undefined || this.#departure.hasBegun)
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
      health: applications.lifecycle.health,
      requests: () => this.#connections.requests,
      load: () => reception.load(),
      besideBytes: () => applications.besideBytes(),
      beaten: this.#beaten,
    });
    this.#clientele.keepBeating(this.#heartbeat);
    // Where beats are rare, the replacement would come late.
    this.#connections.whenRequests(this.#order.maxRequests, () => this.#heartbeat?.beat());
    if (this.#connections.stats !== undefined) await reportStats(this.#connections.stats, this.#connections);
  }

  /** Holds an idle connection of another worker, if it can serve it. */
  #hold(order: Extract<Order, { tsgate: "hold-connection" }>, handle: RawHandle | undefined): boolean {
    if (this.#reception !== undefined) return this.#reception.hold(order, handle);
    handle?.close();
    return false;
  }

  /** It cannot go on as it is: what can be answered is, and it is replaced. */
  #onUncaught(error: unknown, origin: string): void {
    // An application that catches these itself has decided to go on.
    if (process.listenerCount("uncaughtException") > 1) return;
    if (this.#departure.hasBegun) {
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
      this.#departure.alone("uncaught exception", EXIT.error);
    }
  }

  /** The same, because of what it has beside it: whoever waits for Python is answered by another interpreter meanwhile. */
  #onPythonFailed({ how, facts, error }: PythonFailure): void {
    if (this.#boot !== undefined) return this.#boot.fail(error);
    report({ tsgate: "python-failed", how, facts });
    this.#departure.alone(how, EXIT.error);
  }

  /** The program has had enough, while nobody asked it to leave: what is in flight is answered, and it is replaced. */
  #onServerClosed(): void {
    if (this.#departure.hasBegun) return;
    this.#boot?.failWith(
      `application ${this.#order?.applications[0]?.app.text ?? ""} closed its server before it was ready`,
    );
    report({ tsgate: "server-closed" });
    this.#departure.alone("closed by the application", EXIT.error);
  }
}
