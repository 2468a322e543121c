/**
 * Upgrades that come over the engine, for the applications that export `upgrade`: handed over with Node's own request,
 * and followed as `http-tracking.ts` follows those of `node:http`.
 */

import type { IncomingMessage } from "node:http";
import { AddressList } from "../address-list.ts";
import { MountTable } from "../gateway/index.ts";
import type { Connection as Served } from "../http/connection.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { Takeover } from "../http/upgrades.ts";
import type { BootOrder } from "../boot-order.ts";
import { upgradeRequest } from "../node-http.ts";
import type { Applications } from "./applications.ts";
import type { Connections } from "./connections.ts";
import type { EngineConnection } from "./engine-connection.ts";
import type { UpgradeListener } from "./load-application.ts";
import { mountedFor } from "./mounted-listeners.ts";
import type { RequestObserver } from "./request-observer.ts";
import { upgradeListener } from "./upgrade-listener.ts";
import { websocketFarewell } from "./websocket-farewell.ts";

export class EngineUpgrades {
  readonly #table: MountTable<UpgradeListener | undefined>;
  readonly #trustedPeers: AddressList;
  readonly #connections: Connections;
  readonly #observer: RequestObserver | undefined;

  constructor(
    { all }: Applications,
    { forwardedAllowIps }: Pick<BootOrder, "forwardedAllowIps">,
    connections: Connections,
    observer: RequestObserver | undefined,
  ) {
    this.#table = new MountTable(all.map(({ mount, value }) => ({ mount, value: upgradeListener(mount, value) })));
    this.#trustedPeers = new AddressList(forwardedAllowIps);
    this.#connections = connections;
    this.#observer = observer;
  }

  /** Who takes what `head` asks for: undefined where its application takes no upgrades, and nothing is mounted. */
  takerOf(head: RequestHead, { socket, view }: Served): Takeover | undefined {
    const request = upgradeRequest(socket, head);
    const listener = mountedFor(request, this.#table, this.#trustedPeers);
    return listener && ((begun) => this.#handOver(request, begun, view as EngineConnection, listener));
  }

  #handOver(request: IncomingMessage, begun: Buffer, connection: EngineConnection, listener: UpgradeListener): void {
    const { isDraining, stats } = this.#connections;
    const { socket, meter } = connection;
    this.#connections.count();
    this.#observer?.upgraded(request, socket, performance.now());
    if (meter !== undefined) stats?.upgraded(meter);
    connection.takenOver(websocketFarewell(request, socket), isDraining);
    listener(request, socket, begun);
  }
}
