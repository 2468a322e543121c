/**
 * What all clients of a worker are held to: how long they may keep it waiting, how many there may be at once. Puts
 * together who looks and who counts, and tells the log what came of it.
 */

import { ClientSweep } from "./client-sweep.ts";
import { log } from "./channel.ts";
import type { ProxyOrder } from "../boot-order.ts";
import type { Connections } from "./connections.ts";
import { Descriptors } from "./descriptors.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { HttpTracking } from "./http-tracking.ts";
import { Introductions } from "./introductions.ts";
import { TalliedLog } from "./tallied-log.ts";

/** Reading the clock costs more than all else that is done for a request here. */
const REQUESTS_A_LOOK = 4;
const MOST_REFUSALS_A_MINUTE = 10;

export class Clientele {
  readonly connections: Connections;
  /** Those of `node:http`. */
  readonly tracking: HttpTracking;
  readonly descriptors: Descriptors;
  readonly #unintroduced = new TalliedLog((fields) => log("warn", "connections refused", fields));
  #isWatched = false;

  constructor(connections: Connections) {
    this.connections = connections;
    this.tracking = new HttpTracking(connections);
    this.descriptors = new Descriptors({ connections: () => connections.size, log });
  }

  /** From here on each connection has to be introduced by a proxy. */
  expectIntroductions(order: ProxyOrder): void {
    this.connections.introductions = new Introductions(order, this.#unintroduced);
  }

  /** From here on clients are watched. Again and again to no effect. */
  watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { connections, descriptors } = this;
    const cuts = new TalliedLog((fields) => log("info", "connections cut", fields));
    const refusals = new TalliedLog((fields) => log("warn", "requests refused", fields), MOST_REFUSALS_A_MINUTE);
    connections.onRefused = (why, fields, latest) => {
      const { found } = fields;
      refusals.count(typeof found === "string" ? found : why, fields, latest);
    };
    const turned = (now: number): void => {
      descriptors.look(now);
      for (const tallies of [cuts, refusals, this.#unintroduced]) tallies.tell(now);
    };
    new ClientSweep({ connections, cuts, turned }).start();
  }

  /** In a flood thousands of requests come between two timers: the worker that takes them is not hung. */
  keepBeating(heartbeat: Heartbeat): void {
    let count = 0;
    this.connections.onRequest = () => {
      if (++count % REQUESTS_A_LOOK === 0) heartbeat.keepUp();
    };
  }
}
