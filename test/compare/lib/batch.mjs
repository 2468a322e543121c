/** Requests that a row sends at moments of its own, counted like those of the traffic. */

import { Connection, connect } from "../../support/traffic/connection.mjs";
import { TallyKeeper } from "../../support/traffic/tally.mjs";

const TIMEOUT_MS = 15_000;
const MAX_ATTEMPTS = 400;

export class Batch {
  #tally = new TallyKeeper();
  #target;
  /** @type {Set<Connection>} */
  #connections = new Set();

  /**
   * @param {import("./server.mjs").Server} server
   * @param {import("./row.mjs").Owe} owe
   */
  constructor(server, owe) {
    this.#target = server.target;
    owe(async () => this.#connections.forEach((connection) => connection.close()));
  }

  /**
   * Connections that nothing has been asked on; attempts that fail are counted.
   * @param {number} count
   * @returns {Promise<Connection[]>}
   */
  async open(count) {
    const made = await Promise.all(Array.from({ length: count }, () => this.#connect()));
    return made.filter((connection) => connection !== undefined);
  }

  /**
   * Connections that this worker has answered once.
   * @param {number} pid
   * @param {number} count
   */
  async openTo(pid, count) {
    /** @type {Connection[]} */
    const found = [];
    for (let attempt = 0; found.length < count; attempt += 1) {
      if (attempt === MAX_ATTEMPTS) throw new Error(`worker ${pid} answers too seldom`);
      const connection = await this.#connect();
      if (connection === undefined) continue;
      await connection.request({});
      if (connection.lastPid === pid) found.push(connection);
      else connection.close();
    }
    return found;
  }

  /**
   * Asks once on each connection; resolves when all requests have ended.
   * @param {readonly Connection[]} connections
   * @param {import("../../support/traffic/connection.mjs").RequestShape} shape
   * @param {{ closes?: boolean }} [options]
   */
  async ask(connections, shape, options) {
    return await Promise.all(
      connections.map(async (connection) => {
        const exchange = await connection.request(shape, options);
        this.#tally.record("keep-alive", exchange, connection);
        return exchange;
      }),
    );
  }

  /** Everything counted so far. */
  snapshot() {
    return this.#tally.snapshot();
  }

  async #connect() {
    const made = await connect(this.#target, {
      timeoutMs: TIMEOUT_MS,
      onIdleEvent: (event) => this.#tally.recordIdle(event),
    });
    if (made instanceof Connection) {
      this.#connections.add(made);
      return made;
    }
    this.#tally.record("keep-alive", made, undefined);
    return undefined;
  }
}

/**
 * How many of these ended well, in words.
 * @param {readonly import("../../support/traffic/connection.mjs").Exchange[]} exchanges
 */
export function answered(exchanges) {
  return `${exchanges.filter(({ outcome }) => outcome === "ok").length} of ${exchanges.length}`;
}
