/**
 * What proxies say of the connections that they bring, before anything else comes on them (`--proxy-protocol`). Nobody
 * else has a connection before it is introduced; then it looks as if its client had come by itself, to the application
 * too. One that is not introduced properly, or by somebody who may not, is closed. Which header is one is said by
 * `proxy-header.ts`, for how long one is waited for by `client-sweep.ts`.
 */

import type { Socket } from "node:net";
import { AddressList } from "../address-list.ts";
import { isUnixSocket, plainAddress } from "../gateway/index.ts";
import type { ProxyOrder } from "../boot-order.ts";
import type { Introduction } from "../messages.ts";
import { type HeaderProblem, readProxyHeader } from "../proxy-header.ts";
import type { TalliedLog } from "./tallied-log.ts";

type Refusal = HeaderProblem | "stranger" | "truncated";

export class Introductions {
  readonly #version: ProxyOrder["version"];
  readonly #allowed: AddressList;
  readonly #refusals: TalliedLog;

  constructor({ version, allowFrom }: ProxyOrder, refusals: TalliedLog) {
    this.#version = version;
    this.#allowed = new AddressList(allowFrom);
    this.#refusals = refusals;
  }

  /**
   * Waits for the header of a connection that has just come. `introduced` is called once, with what it says and its length
   * in bytes, or never; what came behind it can be read from the socket then.
   */
  hear(socket: Socket, introduced: (introduction: Introduction, length: number) => void): void {
    // Without a listener its error would be the process's.
    socket.on("error", ignore);
    const { remoteAddress } = socket;
    // Reset before it was accepted, as a check of the port is.
    if (remoteAddress === undefined && !isUnixSocket(socket)) return void socket.destroy();
    if (!this.#allowed.has(remoteAddress && plainAddress(remoteAddress))) return this.#refuse("stranger", socket);
    let received: Buffer | undefined;
    const waiting = { isOver: false };
    const read = (): void => {
      // What is put back behind the header is not ours to read.
      while (!waiting.isOver && socket.read() !== null);
    };
    // What is read comes here, and what whoever would close the connection finds on it at the last moment.
    const hear = (chunk: Buffer): void => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk]);
      const header = readProxyHeader(received, this.#version);
      if (header.state === "partial") return;
      forget();
      if (header.state === "refused") return this.#refuse(header.why, socket);
      socket.off("error", ignore);
      if (received.length > header.length) socket.unshift(received.subarray(header.length));
      const introduction = header.client === undefined ? {} : { client: header.client };
      nameClient(socket, introduction);
      introduced(introduction, header.length);
    };
    // Whoever only looks whether the port is open says nothing, and nothing is said of him.
    const end = (): void => {
      if (received === undefined) socket.destroy();
      else this.#refuse("truncated", socket);
    };
    const forget = (): void => {
      waiting.isOver = true;
      socket.off("readable", read).off("data", hear).off("end", end).off("error", end);
    };
    socket.on("readable", read).on("data", hear).on("end", end).on("error", end);
  }

  #refuse(why: Refusal, socket: Socket): void {
    const { remoteAddress: peer } = socket;
    this.#refusals.count(why, { why }, peer === undefined ? {} : { peer });
    socket.destroy();
  }
}

/** From here on the socket's far end is the client that its proxy has named, if it has named one. */
export function nameClient(socket: Socket, { client }: Introduction): void {
  if (client === undefined) return;
  const { address, port } = client;
  const facts = { remoteAddress: address, remotePort: port, remoteFamily: address.includes(":") ? "IPv6" : "IPv4" };
  for (const [name, value] of Object.entries(facts))
    Object.defineProperty(socket, name, { configurable: true, enumerable: true, value });
}

function ignore(): void {}
