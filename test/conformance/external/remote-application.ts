/** The suite's end of the socket over which it tells the served module which application to be, and asks what it noted. */

import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Order, Report } from "./order.ts";

export class RemoteApplication {
  private readonly server: Server;
  private socket: Socket | undefined;
  private answered: (report: Report) => void = () => {};

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

  /** Whether a process has loaded the module. */
  get isLoaded(): boolean {
    return this.socket !== undefined;
  }

  /** Gives an order, and resolves with what the module says; rejects when it is gone or `signal` aborts. One at a time. */
  ask(order: Order, signal: AbortSignal): Promise<Report> {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      if (socket === undefined) return reject(new Error("the served module is gone"));
      const settle = (action: () => void): void => {
        socket.off("close", onClose);
        signal.removeEventListener("abort", onAbort);
        action();
      };
      const onClose = () => settle(() => reject(new Error("the served module went away: has the server ended?")));
      const onAbort = () => settle(() => reject(signal.reason as Error));
      socket.once("close", onClose);
      signal.addEventListener("abort", onAbort);
      this.answered = (report) => settle(() => resolve(report));
      socket.write(`${JSON.stringify(order)}\n`);
    });
  }

  close(): void {
    this.socket?.destroy();
    this.server.close();
  }

  private take(socket: Socket): void {
    // A process that loads the module only to look at it goes again; the last that came serves.
    this.socket = socket;
    socket.on("error", () => {});
    socket.once("close", () => {
      if (this.socket === socket) this.socket = undefined;
    });
    createInterface({ input: socket })
      .on("line", (line) => this.answered(JSON.parse(line) as Report))
      // Node hands the socket's errors on to it.
      .on("error", () => {});
  }
}
