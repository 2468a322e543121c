/**
 * How many requests a worker has in progress, where that is limited. A request is in progress from its head to the end
 * of its reply, or of its connection. Knows no socket and does not refuse by itself.
 */

import type { ServerResponse } from "node:http";

interface Holder {
  /** Of its requests in flight, those that were admitted. */
  admitted: number;
}

export class Admission {
  #inProgress = 0;

  /** Lets one more request in, to `limit` at most. False: there are so many already. */
  admit(holder: Holder, response: ServerResponse, limit: number): boolean {
    if (this.#inProgress >= limit) return false;
    this.#inProgress++;
    holder.admitted++;
    response.on("close", () => this.#end(holder, 1));
    return true;
  }

  /** The connection is gone. Node does not tell those in line behind another, so this counts for all of its requests. */
  gone(holder: Holder): void {
    this.#end(holder, holder.admitted);
  }

  #end(holder: Holder, count: number): void {
    const ended = Math.min(count, holder.admitted);
    holder.admitted -= ended;
    this.#inProgress -= ended;
  }
}
