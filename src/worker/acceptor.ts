/**
 * A worker's servers and its copies of the master's sockets. It listens on one copy of each and keeps another unused:
 * Node can neither hold back a listening socket nor duplicate it, so to pause it closes those that it listens on, and to
 * go on it listens on the others. What comes meanwhile waits in the kernel's queue, which is one for all copies.
 *
 * Invariant: told to pause it goes on accepting until it holds what it takes to begin again.
 */

import type net from "node:net";
import type { ListenerInfo } from "../messages.ts";
import { listenOnHandle, type RawHandle, stopAccepting } from "../node-handles.ts";
import { isFull } from "./connection-limit.ts";
import { listen } from "./http-server.ts";

export interface AcceptorOptions {
  readonly createServer: () => net.Server;
  readonly backlog: number;
  /** `--worker-connections`; 0 for no limit. */
  readonly limit: number;
  readonly connectionCount: () => number;
  /** Asks the master for another copy of each socket. */
  readonly askForSockets: () => void;
  /** It has stopped accepting, or begun again. */
  readonly changed: () => void;
  /** It is full; said once in a minute. */
  readonly warn: () => void;
}

/** A full worker stays closed for this long at least: at the limit connections may come and go by the thousand. */
const SHORTEST_FULL_MS = 5;
/** When copies got lost, for want of descriptors, they are asked for again. */
const ASK_AGAIN_MS = 1000;
const WARN_EVERY_MS = 60_000;

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #servers = new Map<number, net.Server>();
  readonly #spares = new Map<number, RawHandle>();
  #isPaused = false;
  #isFull = false;
  #isBusy = false;
  #isLeaving = false;
  /** Nobody else takes what waits: it takes all, however many. */
  #isLast = false;
  #timer: NodeJS.Timeout | undefined;
  #hasAsked = false;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  get servers(): readonly net.Server[] {
    return [...this.#servers.values()];
  }

  get isAccepting(): boolean {
    return this.#servers.size > 0 && this.servers.every(({ listening }) => listening);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /**
   * Takes a copy of a socket: listens on the first, keeps any other. Resolves with true when each socket has its server.
   * Rejects with the system's error when it cannot listen.
   */
  async take(listener: ListenerInfo, handle: RawHandle | undefined): Promise<boolean> {
    if (handle === undefined) this.#askAgain();
    else if (this.#isLeaving) handle.close();
    else if (this.#servers.has(listener.index)) this.#keep(listener, handle);
    else return this.#listen(listener, handle);
    return false;
  }

  /** Gets itself what it takes to pause and to begin again. */
  prepare(): void {
    if (this.#hasAsked || this.#isLeaving || this.#hasSpares) return;
    this.#hasAsked = true;
    this.#options.askForSockets();
  }

  /** Stops accepting for a while. */
  pause(): void {
    this.#isPaused = true;
    this.#settle();
  }

  resume(): void {
    this.#isPaused = false;
    this.#settle();
  }

  /** Whoever came now would wait for the application, and others of the server may have time for him. */
  busy(isBusy: boolean): void {
    if (isBusy) this.prepare();
    this.#isBusy = isBusy;
    this.#settle();
  }

  /** To be told of each connection that comes or goes. */
  countChanged(count: number): void {
    if (this.#isLeaving) return this.#closeIfFull(count);
    if (isFull(count, this.#options.limit, this.#isFull) === this.#isFull || this.#timer !== undefined) return;
    this.#isFull = !this.#isFull;
    this.#settle();
    if (!this.#isFull) return;
    this.#warn();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.countChanged(this.#options.connectionCount());
    }, SHORTEST_FULL_MS);
  }

  /**
   * The worker leaves: from here on it does not pause, and does not begin again once it is full.
   * @param wholeServer nobody else will take what waits in the queue: it accepts once more
   */
  leave({ wholeServer }: { readonly wholeServer: boolean }): void {
    this.#isLeaving = true;
    this.#isLast = wholeServer;
    clearTimeout(this.#timer);
    if (wholeServer && !this.isAccepting) this.#listenOnSpares();
    for (const spare of this.#spares.values()) spare.close();
    this.#spares.clear();
  }

  async #listen(listener: ListenerInfo, handle: RawHandle): Promise<boolean> {
    const server = this.#options.createServer();
    await listen(server, listener, handle, this.#options.backlog);
    this.#servers.set(listener.index, server);
    this.#hasAsked = false;
    this.#settle();
    if (this.#servers.size < listener.count) return false;
    if (this.#options.limit > 0) this.prepare();
    return true;
  }

  #keep({ index }: ListenerInfo, handle: RawHandle): void {
    this.#spares.get(index)?.close();
    this.#spares.set(index, handle);
    if (this.#hasSpares) this.#hasAsked = false;
    this.#settle();
  }

  #askAgain(): void {
    setTimeout(() => {
      this.#hasAsked = false;
      this.prepare();
    }, ASK_AGAIN_MS).unref();
  }

  /** Does what is wanted, as soon as it can. */
  #settle(): void {
    if (this.#isLeaving) return;
    const isWanted = !this.#isPaused && !this.#isFull && !this.#isBusy;
    const isListening = this.servers.some(({ listening }) => listening);
    if (isListening && !isWanted && (this.#hasSpares || this.#isFull)) {
      for (const server of this.servers) stopAccepting(server);
    } else if (!this.isAccepting && isWanted && this.#hasSpares) {
      this.#listenOnSpares();
      this.prepare();
    } else return;
    this.#options.changed();
  }

  /** Its application may have it accept for a while yet, with `beforeDrain()`. */
  #closeIfFull(count: number): void {
    if (this.#isLast || !isFull(count, this.#options.limit, false)) return;
    for (const server of this.servers) if (server.listening) stopAccepting(server);
  }

  get #hasSpares(): boolean {
    return this.#servers.size > 0 && this.#spares.size === this.#servers.size;
  }

  #warn(): void {
    const now = performance.now();
    if (now < this.#warnedAt + WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.warn();
  }

  #listenOnSpares(): void {
    for (const [index, handle] of this.#spares) {
      const server = this.#servers.get(index);
      if (server === undefined || server.listening) handle.close();
      else listenOnHandle(server, handle, this.#options.backlog);
    }
    this.#spares.clear();
  }
}
