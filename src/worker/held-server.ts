/**
 * A program's own server that has called `listen()` and does not listen: to the program it looks as if it did, while
 * tsgate's sockets bring its connections, or nothing does. Its `close()` ends what it looks like and cuts no connection.
 */

import type { Server } from "node:http";
import net from "node:net";
import type { TcpAddress } from "../boot-order.ts";
import { type AskedAddress, type ListenCall, formatAsked } from "./listen-call.ts";

/** Whoever serves the connections of a held server; without one its `close()` changes nothing more than how it looks. */
export interface ServerOwner {
  /** The program wants its server closed; `emptied` and `finish` follow when the last connection is gone. */
  closed(): void;
  /** Open connections, for `getConnections()`. */
  connectionCount(): number;
}

export class HeldServer {
  readonly server: Server;
  /** As the program asked for it; undefined when it never called `listen()`. */
  readonly asked: AskedAddress | undefined;
  readonly #tcpAddress: TcpAddress | undefined;
  #owner: ServerOwner | undefined;
  #state: "listening" | "closing" | "closed" = "listening";

  /** @param tcpAddress where tsgate listens, for the server's `address()` */
  constructor(server: Server, asked: AskedAddress | undefined, tcpAddress: TcpAddress | undefined) {
    this.server = server;
    this.asked = asked;
    this.#tcpAddress = tcpAddress;
    this.#disguise();
  }

  get isClosed(): boolean {
    return this.#state !== "listening";
  }

  /** Calls back and emits `listening`, as `listen()` does, in the next tick. */
  announce(call?: ListenCall): void {
    if (call?.callback !== undefined) this.server.once("listening", call.callback);
    if (call?.signal?.aborted === true) this.#close();
    else call?.signal?.addEventListener("abort", () => this.#close(), { once: true });
    process.nextTick(() => {
      if (this.#state === "listening") this.server.emit("listening");
    });
  }

  /** From here on the server is served: a `close()` is told to `owner`. */
  own(owner: ServerOwner): void {
    this.#owner = owner;
  }

  /** The last connection is gone: a `close()` from here on is one at once. */
  emptied(): void {
    this.#owner = undefined;
  }

  /** Emits the `close` that the program has asked for while there were connections. */
  finish(): void {
    if (this.#state === "closing") this.#end();
  }

  #disguise(): void {
    Object.defineProperty(this.server, "listening", { configurable: true, get: () => this.#state === "listening" });
    const replaced = {
      address: () => (this.#state === "listening" ? this.#address() : null),
      close: (callback?: unknown) => this.#close(callback),
      // Idle connections are closed by the drain, which knows on which of them a request has begun to arrive.
      closeIdleConnections: () => {},
      closeAllConnections: () => {},
      getConnections: (callback: (error: Error | null, count: number) => void) => {
        process.nextTick(callback, null, this.#owner?.connectionCount() ?? 0);
        return this.server;
      },
    };
    for (const [name, value] of Object.entries(replaced))
      Object.defineProperty(this.server, name, { configurable: true, writable: true, value });
  }

  /** Where it can be reached over TCP; where it cannot, what the program asked for, because programs read its port. */
  #address(): net.AddressInfo | string {
    const { asked } = this;
    if (asked?.kind === "path") return asked.path;
    const { address, port } = this.#tcpAddress ?? {
      address: asked?.kind === "port" ? (asked.host ?? "::") : "::",
      port: asked?.kind === "port" ? asked.port : 0,
    };
    return { address, family: net.isIPv6(address) ? "IPv6" : "IPv4", port };
  }

  #close(callback?: unknown): Server {
    if (typeof callback === "function") {
      const called = callback as (error?: Error) => void;
      if (this.#state === "closed") process.nextTick(called, notRunning());
      else this.server.once("close", this.#state === "listening" ? () => called() : () => called(notRunning()));
    }
    if (this.#state !== "listening") return this.server;
    this.#state = "closing";
    if (this.#owner === undefined) this.#end();
    else this.#owner.closed();
    return this.server;
  }

  #end(): void {
    this.#state = "closed";
    process.nextTick(() => this.server.emit("close"));
  }
}

/** In words, how a program asked for it: `listen(3000)`. */
export function describeAsked(asked: AskedAddress): string {
  return `listen(${formatAsked(asked)})`;
}

/** What Node throws when a server that listens is told to listen. */
export function alreadyListening(): Error {
  return systemError("ERR_SERVER_ALREADY_LISTEN", "Listen method has been called more than once without closing.");
}

function notRunning(): Error {
  return systemError("ERR_SERVER_NOT_RUNNING", "Server is not running.");
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
