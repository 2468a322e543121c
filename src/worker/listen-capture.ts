/**
 * Stands between a program and `server.listen()`. Of a program's own HTTP servers one is taken: it gets tsgate's
 * sockets in the place of what it asked for. Everything else that listens does so as node:cluster has it (the workers
 * share one socket) and is named. Installed once, before the program is loaded.
 */

import { EventEmitter } from "node:events";
import http, { type Server } from "node:http";
import net from "node:net";
import { bindProblem } from "../bind-problem.ts";
import { formatAddress } from "../config/bind-address.ts";
import type { TcpAddress } from "../boot-order.ts";
import { alreadyListening, HeldServer } from "./held-server.ts";
import { type AskedAddress, formatAsked, type ListenCall, readListenCall } from "./listen-call.ts";

export interface CaptureOptions {
  /** Whether a server may be taken at all: the application's kind is `server`, or not known yet. */
  readonly takes: boolean;
  /** The port whose `listen()` is taken; undefined for the first of an HTTP server. */
  readonly match: number | undefined;
  /** The application is only looked at: nothing it asks for is really listened on. */
  readonly isDryRun: boolean;
  readonly tcpAddress: TcpAddress | undefined;
  /** Another server of the program listens. `isGuess`: it speaks HTTP too, and nobody has said which is meant. */
  readonly alsoListening: (server: net.Server, address: string, isGuess: boolean) => void;
  /** The application that is served by its export has called `listen()` as well, and does not get what it asked for. */
  readonly listensInVain: (asked: AskedAddress) => void;
}

type Listen = (this: net.Server, ...args: readonly unknown[]) => net.Server;

export class ListenCapture {
  readonly #options: CaptureOptions;
  readonly #held = new WeakMap<net.Server, HeldServer>();
  readonly #elsewhere: AskedAddress[] = [];
  #isTaking: boolean;
  /** Whether a server is that of an exported application; none until one is known. */
  readonly #belongs: ((server: Server) => boolean)[] = [];
  #taken: HeldServer | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#isTaking = options.takes;
  }

  /** Puts itself in the place of `listen()`. */
  install(): this {
    const prototype = net.Server.prototype as unknown as { listen: Listen };
    const { listen } = prototype;
    const capture = (server: net.Server, args: readonly unknown[]): net.Server =>
      this.#listen(server, args, () => listen.apply(server, shared(args)));
    prototype.listen = function listen(...args) {
      return capture(this, args);
    };
    return this;
  }

  /** The server that was taken and that the program has not closed again. */
  get taken(): HeldServer | undefined {
    return this.#taken?.isClosed === true ? undefined : this.#taken;
  }

  /** Addresses that HTTP servers of the program have asked for and that were not the one to take. */
  get elsewhere(): readonly AskedAddress[] {
    return this.#elsewhere;
  }

  /** Resolves when a server is taken. */
  async whenTaken(): Promise<HeldServer> {
    for (;;) {
      if (this.taken !== undefined) return this.taken;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Takes a server that the program has exported and need not tell to listen. */
  take(server: Server): HeldServer {
    this.#isTaking = false;
    const known = this.#held.get(server);
    if (known !== undefined) return known;
    const held = this.#hold(server, undefined);
    held.announce();
    return held;
  }

  /** From here on only a server is taken that belongs to the exported application, or to another for which this was said. */
  takeOnly(belongs: (server: Server) => boolean): void {
    this.#belongs.push(belongs);
  }

  /** From here on every server listens by itself; but the exported application's own, which is served already. */
  stopTaking(): void {
    this.#isTaking = false;
  }

  #listen(server: net.Server, args: readonly unknown[], listen: () => net.Server): net.Server {
    if (this.#held.get(server)?.isClosed === false) throw alreadyListening();
    const call = readListenCall(args);
    if (call === undefined) return listen();
    if (isHttpServer(server)) {
      const isOwn = this.#belongs.length === 0 ? undefined : this.#belongs.some((belongs) => belongs(server));
      if (this.#mayTake(call.address) && isOwn !== false) return this.#take(server, call);
      if (isOwn === true) this.#options.listensInVain(call.address);
      if (isOwn === true || this.#isTakenToo(server, call.address)) return this.#pretend(server, call);
      this.#elsewhere.push(call.address);
    }
    if (this.#options.isDryRun) return this.#pretend(server, call);
    const isGuess = isHttpServer(server) && this.#taken !== undefined && this.#options.match === undefined;
    server.once("listening", () => this.#options.alsoListening(server, addressOf(server), isGuess));
    server.once(EventEmitter.errorMonitor as unknown as string, (error: Error) => {
      error.message = `cannot listen on ${formatAsked(call.address)}, beside tsgate's own addresses: ${bindProblem(error)}`;
    });
    return listen();
  }

  #mayTake(address: AskedAddress): boolean {
    if (!this.#isTaking || this.taken !== undefined) return false;
    const { match } = this.#options;
    return match === undefined || (address.kind === "port" && address.port === match);
  }

  #take(server: Server, call: ListenCall): net.Server {
    this.#taken = this.#hold(server, call.address);
    this.#taken.announce(call);
    for (const resolve of this.#waiting.splice(0)) resolve();
    return server;
  }

  /** The same on another address, as frameworks listen on both that `localhost` stands for: port and handler tell. */
  #isTakenToo(server: Server, address: AskedAddress): boolean {
    const { taken } = this;
    const asked = taken?.asked;
    if (taken === undefined || address.kind !== "port" || asked?.kind !== "port") return false;
    if (address.port !== asked.port && address.port !== this.#options.tcpAddress?.port) return false;
    const handlers = taken.server.listeners("request");
    return server.listeners("request").some((handler) => handlers.includes(handler));
  }

  #pretend(server: net.Server, call: ListenCall): net.Server {
    this.#hold(server as Server, call.address).announce(call);
    return server;
  }

  #hold(server: Server, asked: AskedAddress | undefined): HeldServer {
    const held = new HeldServer(server, asked, this.#options.tcpAddress);
    this.#held.set(server, held);
    return held;
  }
}

/** Whether it speaks HTTP: `http.Server`, and what only `https` and `http2` servers have, without loading those. */
export function isHttpServer(value: unknown): value is Server {
  if (!(value instanceof net.Server)) return false;
  return value instanceof http.Server || "closeIdleConnections" in value || "updateSettings" in value;
}

/** Whether its connections are encrypted by itself: only servers of `tls` have this method. */
export function isTlsServer(server: net.Server): boolean {
  return "setSecureContext" in server;
}

/** A server that says `exclusive` would be the only worker's that has its address. */
function shared([first, ...others]: readonly unknown[]): unknown[] {
  const isExclusive = typeof first === "object" && first !== null && "exclusive" in first;
  return first === undefined && others.length === 0
    ? []
    : [isExclusive ? { ...first, exclusive: false } : first, ...others];
}

function addressOf(server: net.Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") return `unix:${address ?? ""}`;
  return formatAddress({ kind: "tcp", host: address.address, port: address.port });
}
