/** Clients that keep a server waiting, each in its own way, for as long as they are let. Plain JavaScript: the benchmark uses it too. */

import net from "node:net";

/** @typedef {import("./connection.mjs").Target} Target */

/**
 * @typedef {object} Slowness
 * @property {string} [first] sent at once
 * @property {string} [drip] sent again and again
 * @property {boolean} [isDeaf] reads nothing
 */

/** How a client can be slow. `PATH` stands for the path that is asked for. */
export const SLOW_KINDS = /** @satisfies {Record<string, Slowness>} */ ({
  "idle connect": {},
  "half a head": { first: "GET PATH HTTP/1.1\r\nHost: lo" },
  "head drip": { first: "GET PATH HTTP/1.1\r\nHost: localhost\r\nX-Drip: ", drip: "a" },
  "no body": { first: "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" },
  "body drip": { first: "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", drip: "a" },
  "chunk drip": {
    first: "POST PATH HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    drip: "1\r\na\r\n",
  },
  // Whoever does not read learns only by writing that nobody is there any more; an empty line before a request is nothing.
  "slow read": { first: "GET PATH HTTP/1.1\r\nHost: localhost\r\n\r\n", drip: "\r\n", isDeaf: true },
  "patient client": { first: "GET PATH HTTP/1.1\r\nHost: localhost\r\n\r\n" },
});

/** @typedef {keyof typeof SLOW_KINDS} SlowKind */

/**
 * @typedef {object} SlowEnd how it ended
 * @property {number} afterMs since it was connected
 * @property {"fin" | "reset"} how
 * @property {string} text what the server had sent, as far as it was read
 */

export class SlowClient {
  text = "";
  /** Resolves when it is connected, or has not been let. */
  connected;
  /** @type {Promise<SlowEnd>} */
  ended;
  /** @type {net.Socket} */
  #socket;
  /** @type {NodeJS.Timeout | undefined} */
  #dripping;

  /**
   * @param {Target} target
   * @param {SlowKind} kind
   * @param {{ path?: string, dripMs?: number }} [options]
   */
  constructor(target, kind, { path = "/", dripMs = 1000 } = {}) {
    /** @type {Slowness} */
    const { first, drip, isDeaf = false } = SLOW_KINDS[kind];
    const socket = net.connect({ ...target });
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    if (isDeaf) socket.pause();
    else socket.on("data", (/** @type {string} */ text) => (this.text += text));
    let startedAt = performance.now();
    this.connected = new Promise((resolve) => {
      socket.once("connect", () => resolve(undefined)).once("close", () => resolve(undefined));
    });
    socket.on("connect", () => {
      startedAt = performance.now();
      if (first !== undefined) socket.write(first.replace("PATH", path), "latin1");
      if (drip !== undefined) this.#dripping = setInterval(() => socket.write(drip, "latin1"), dripMs);
    });
    this.ended = new Promise((resolve) => {
      /** @type {SlowEnd["how"] | undefined} */
      let how;
      socket.on("end", () => (how ??= "fin"));
      socket.on("error", () => (how ??= "reset"));
      socket.on("close", () => {
        clearInterval(this.#dripping);
        resolve({ afterMs: performance.now() - startedAt, how: how ?? "fin", text: this.text });
      });
    });
  }

  /** Goes away. */
  close() {
    clearInterval(this.#dripping);
    this.#socket.destroy();
  }
}
