/**
 * The suite's end of the sockets over which it tells each process that serves the module which application to be, and asks
 * what it noted. A process that comes later is told what the others are.
 */

import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Order, Report } from "./order.ts";

export class RemoteApplication {
  private readonly server: Server;
  private readonly processes = new Set<RemoteProcess>();
  private current: Order = {};
  private changed: () => void = () => {};

  private constructor(server: Server) {
    this.server = server;
    server.on("connection", (socket) => this.take(socket));
  }

  static async listen(): Promise<RemoteApplication> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new RemoteApplication(server);
  }

  /** What the served module finds in GATEWAY_SUITE. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** How many processes have loaded the module and live. */
  get size(): number {
    return this.processes.size;
  }

  /**
   * Gives all of them an order, and resolves with what they say together; rejects when none is left or `signal` aborts. One
   * at a time.
   */
  async ask(order: Order, signal: AbortSignal): Promise<Report> {
    if (order.become !== undefined) this.current = order;
    if (this.processes.size === 0) throw new Error("the served module is gone");
    const answers = await Promise.all([...this.processes].map((each) => each.ask(order, signal)));
    signal.throwIfAborted();
    const reports = answers.filter((report) => report !== undefined);
    if (reports.length === 0) throw new Error("the served module went away: has the server ended?");
    return {
      probe: reports.flatMap(({ probe }) => probe),
      findings: reports.flatMap(({ findings }) => findings),
    };
  }

  /** Resolves when as many others are there as processes were, and none of those any more; rejects when `signal` aborts. */
  async replaced(signal: AbortSignal): Promise<void> {
    const before = new Set(this.processes);
    const isDone = (): boolean =>
      this.processes.size === before.size && [...this.processes].every((each) => !before.has(each));
    while (!isDone()) {
      await new Promise<void>((resolve, reject) => {
        this.changed = resolve;
        signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    }
  }

  close(): void {
    for (const each of this.processes) each.close();
    this.server.close();
  }

  private take(socket: Socket): void {
    const process = new RemoteProcess(socket);
    this.processes.add(process);
    // A process that loads the module only to look at it goes again.
    socket.once("close", () => {
      this.processes.delete(process);
      this.changed();
    });
    void process.ask(this.current, NEVER);
    this.changed();
  }
}

class RemoteProcess {
  private readonly socket: Socket;
  /** Whoever waits for a report, in their order; undefined: it is gone. */
  private readonly waiting: ((report: Report | undefined) => void)[] = [];
  private isGone = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.once("close", () => this.end());
    createInterface({ input: socket })
      .on("line", (line) => this.waiting.shift()?.(JSON.parse(line) as Report))
      // Node hands the socket's errors on to it.
      .on("error", () => {});
  }

  /** Resolves with its report, or undefined when it is gone or `signal` aborts. */
  ask(order: Order, signal: AbortSignal): Promise<Report | undefined> {
    if (this.isGone) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const onAbort = (): void => resolve(undefined);
      signal.addEventListener("abort", onAbort, { once: true });
      this.waiting.push((report) => {
        signal.removeEventListener("abort", onAbort);
        resolve(report);
      });
      this.socket.write(`${JSON.stringify(order)}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private end(): void {
    this.isGone = true;
    for (const tell of this.waiting.splice(0)) tell(undefined);
  }
}

const NEVER = new AbortController().signal;
