/**
 * A class of requests that decides for each whether its upgrade is taken. Node asks its server only whether anybody
 * listens for upgrades; of a request that nobody takes the application shall hear like of any other.
 */

import { IncomingMessage } from "node:http";

/** Whether the client asks for another protocol, as the parser says it; and what was decided. */
const ASKED: unique symbol = Symbol("tsgate.upgrade");
const IS_TAKEN: unique symbol = Symbol("tsgate.upgrade-taken");

/** For `http.createServer({ IncomingMessage })`; `takes` is asked once a request, of those alone that ask for an upgrade. */
export function upgradableBy(takes: (request: IncomingMessage) => boolean): typeof IncomingMessage {
  return class UpgradableRequest extends IncomingMessage {
    declare [ASKED]: unknown;
    declare [IS_TAKEN]: boolean | undefined;

    /** Node's own property: set by the parser, read when the head is complete. */
    get upgrade(): unknown {
      const asked = this[ASKED];
      if (asked !== true || this.method === "CONNECT") return asked;
      return (this[IS_TAKEN] ??= takes(this));
    }

    set upgrade(asked: unknown) {
      this[ASKED] = asked;
    }
  };
}
