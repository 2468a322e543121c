/**
 * Who takes connections that change to another protocol (RFC 9110 section 7.8). From then on they are nobody else's: what
 * comes is not read here, and no timeout of HTTP's holds.
 */

import type { Connection } from "./connection.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { RequestHead } from "./request-head.ts";

/** Takes the connection when its turn has come; `begun` is what has come behind the head. */
export type Takeover = (begun: Buffer) => void;

/** Says who takes the connection to what a request asks for; undefined where nobody does: it is like any other then. */
export type UpgradeTaker = (request: RequestHead, connection: Connection) => Takeover | undefined;

/** Whoever the options name takes all of them. */
export function takerOf({ onUpgrade }: EngineOptions): UpgradeTaker | undefined {
  return (
    onUpgrade &&
    (({ method, target, headers }, { facts, socket }) =>
      (begun) =>
        onUpgrade({ method, target, headers, connection: facts }, socket, begun))
  );
}
