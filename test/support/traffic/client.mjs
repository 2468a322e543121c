/**
 * The traffic under which every guarantee is proved: keep-alive connections with pauses of every length, loops of fresh
 * connections, and idle connections that each send once at a random moment. Nothing is ever sent a second time.
 */

import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { setMaxListeners } from "node:events";
import { Connection, connect } from "./connection.mjs";
import { logUniform, pick, seeded } from "./random.mjs";
import { TallyKeeper } from "./tally.mjs";

/** @typedef {import("./connection.mjs").Target} Target */
/** @typedef {import("./connection.mjs").RequestShape} RequestShape */
/** @typedef {import("./tally.mjs").ConnectionKind} ConnectionKind */
/** @typedef {import("./tally.mjs").Tally} Tally */

/**
 * @typedef {object} TrafficOptions
 * @property {Target} target
 * @property {number} lingerMs the server's `--linger`; pauses go up to twice as long
 * @property {number} [seed] 1
 * @property {number} [keepAlive] kept connections: 24
 * @property {number} [fresh] loops of fresh connections: 4
 * @property {number} [idle] idle connections: 200
 * @property {number} [idleSpanMs] an idle connection sends after at most this long: four times `lingerMs`
 * @property {number} [freshPauseMs] between two connections of a loop: 2
 * @property {number} [timeoutMs] for a connection, and for a reply: 20 000
 * @property {readonly RequestShape[]} [requests] what is asked, each as often: GET /
 */

/** After a refused connection, so that a server that is away is not asked ten thousand times a second. */
const AFTER_FAILURE_MS = 50;

export class TrafficClient {
  #options;
  #random;
  #tally = new TallyKeeper();
  #stopping = new AbortController();
  #isEndExpected = false;
  /** @type {Set<Connection>} */
  #connections = new Set();
  /** @type {Promise<void>[]} */
  #loops = [];

  /** @param {TrafficOptions} options */
  constructor(options) {
    const { lingerMs } = options;
    const defaults = { seed: 1, keepAlive: 24, fresh: 4, idle: 200, idleSpanMs: 4 * lingerMs, freshPauseMs: 2 };
    this.#options = { ...defaults, timeoutMs: 20_000, requests: [{}], ...options };
    this.#random = seeded(this.#options.seed);
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Starts every loop; returns at once. */
  start() {
    const { keepAlive, fresh, idle } = this.#options;
    for (let index = 0; index < keepAlive; index += 1) this.#loops.push(this.#keepAliveLoop());
    for (let index = 0; index < fresh; index += 1) this.#loops.push(this.#freshLoop());
    for (let index = 0; index < idle; index += 1) this.#loops.push(this.#idleLoop());
  }

  /** From now on whoever is refused a connection does not ask for another: the server has been told to end. */
  expectEnd() {
    this.#isEndExpected = true;
  }

  /** Everything counted so far. */
  snapshot() {
    return this.#tally.snapshot();
  }

  /** Sends nothing new, waits for the replies that are due, closes and counts. */
  async stop() {
    this.#stopping.abort();
    await Promise.all(this.#loops);
    for (const connection of this.#connections) connection.close();
    return this.#tally.snapshot();
  }

  async #keepAliveLoop() {
    const { lingerMs } = this.#options;
    /** @type {Connection | undefined} */
    let connection;
    while (!this.#isStopping) {
      await this.#pause(logUniform(this.#random, 1, Math.max(2, 2 * lingerMs)));
      // What is asked for next is written in the check phase, right after the event loop has read what had arrived.
      await turn();
      if (this.#isStopping) break;
      const isKept = connection?.isOpen === true;
      if (!isKept) connection = await this.#open("keep-alive");
      if (connection === undefined && this.#isEndExpected) return;
      if (connection !== undefined) await this.#ask("keep-alive", connection, { afterIdle: isKept });
    }
  }

  async #freshLoop() {
    while (!this.#isStopping) {
      const connection = await this.#open("fresh");
      if (connection === undefined && this.#isEndExpected) return;
      if (connection !== undefined) {
        await this.#ask("fresh", connection, { closes: true });
        this.#close(connection);
      }
      await this.#pause(this.#options.freshPauseMs);
    }
  }

  async #idleLoop() {
    while (!this.#isStopping) {
      const connection = await this.#open("idle");
      if (connection === undefined && this.#isEndExpected) return;
      if (connection === undefined) continue;
      await this.#pause(this.#random() * this.#options.idleSpanMs);
      await turn();
      if (!this.#isStopping && connection.isOpen) await this.#ask("idle", connection, { afterIdle: true });
      this.#close(connection);
    }
  }

  /**
   * @param {ConnectionKind} kind
   * @returns {Promise<Connection | undefined>} undefined when there is none: that is counted
   */
  async #open(kind) {
    const { target, timeoutMs } = this.#options;
    /** @type {Connection | undefined} */
    let connection;
    const made = await connect(target, {
      timeoutMs,
      onIdleEvent: (event) => this.#tally.recordIdle(event, connection),
    });
    if (made instanceof Connection) {
      connection = made;
      this.#connections.add(made);
      return made;
    }
    this.#tally.record(kind, made, undefined);
    await this.#pause(AFTER_FAILURE_MS);
    return undefined;
  }

  /**
   * @param {ConnectionKind} kind
   * @param {Connection} connection
   * @param {{ afterIdle?: boolean, closes?: boolean }} options
   */
  async #ask(kind, connection, options) {
    const exchange = await connection.request(pick(this.#random, this.#options.requests), options);
    this.#tally.record(kind, exchange, connection);
    if (!connection.isOpen) this.#connections.delete(connection);
  }

  /** @param {Connection} connection */
  #close(connection) {
    connection.close();
    this.#connections.delete(connection);
  }

  get #isStopping() {
    return this.#stopping.signal.aborted;
  }

  /** @param {number} ms */
  async #pause(ms) {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
