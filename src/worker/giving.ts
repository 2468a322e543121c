/**
 * Gives some of this worker's idle connections away while it stays, because others hold far fewer: a sample, so that the
 * work that comes on them is shared as they are. Pools of clients and proxies use few of theirs most; those that have been
 * idle for longest would be none of these. Invariant: each gift that was asked for is answered, once.
 */

import type { Order, Report } from "../messages.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { Handover, OfferEnd } from "./handover.ts";
import { withoutBegun } from "./idle-closing.ts";

type Asked = Extract<Order, { tsgate: "give-connections" }>;

/** They are handed on one by one: a client that speaks meanwhile waits for those before its own. */
const AT_ONCE = 8;
/** One that has come within this time, from its client or from another worker, stays. */
const NEW_MS = 2000;

export interface GivingOptions {
  readonly connections: Pick<Connections, "all" | "clock" | "size">;
  readonly handover: Pick<Handover, "offer">;
  readonly tell: (report: Extract<Report, { tsgate: "connections-given" }>) => void;
}

export class Giving {
  readonly #options: GivingOptions;

  constructor(options: GivingOptions) {
    this.#options = options;
  }

  /** Offers what the master has asked for, as far as there is any. Resolves when all that is known of; never rejects. */
  async give({ gift, count, keep }: Asked): Promise<void> {
    const { connections, tell } = this.#options;
    const chosen = this.#choose(Math.min(count, connections.size - keep));
    let given = 0;
    for (let isWanted = true; isWanted && chosen.length > 0 && connections.size > keep;) {
      const group = chosen.splice(0, Math.min(AT_ONCE, connections.size - keep));
      const ends = await Promise.all(withoutBegun(group.filter(isSpare)).map((one) => this.#offer(one, gift)));
      given += ends.filter((how) => how === "taken").length;
      isWanted = !ends.includes("left");
    }
    tell({ tsgate: "connections-given", gift, count: given });
  }

  async #offer(connection: Connection, gift: number): Promise<OfferEnd> {
    return new Promise((resolve) => {
      this.#options.handover.offer(connection, { gift, ended: (_connection, how) => resolve(how) });
    });
  }

  #choose(count: number): Connection[] {
    if (count <= 0) return [];
    const { connections } = this.#options;
    const cameBefore = connections.clock.now - NEW_MS;
    const able = withoutBegun([...connections.all()].filter((one) => isSpare(one) && one.openedAt <= cameBefore));
    return sample(able, count);
  }
}

/** It waits for its client's next request, and nothing is known of it here alone. */
function isSpare(connection: Connection): boolean {
  return connection.isIdle && connection.isAtRest && connection.isMovable && !connection.isMarked;
}

/** `count` of `all`, spread over them evenly. */
function sample<T>(all: readonly T[], count: number): T[] {
  if (count >= all.length) return [...all];
  return Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)] as T);
}
