/**
 * Connections of a TLS server that are not encrypted yet. Nothing of them is a request, and the engine learns of each only
 * when it is: until then who closes the server has to close them.
 */

import type { Socket } from "node:net";
import type tls from "node:tls";
import { transportOf } from "../node-sockets.ts";

export class Handshakes {
  readonly #pending = new Set<Socket>();

  constructor(server: tls.Server) {
    server.on("connection", (socket: Socket) => {
      this.#pending.add(socket);
      socket.once("close", () => this.#pending.delete(socket));
    });
    server.on("secureConnection", (socket) => {
      const transport = transportOf(socket);
      // Whose handshake it was is not known then, and one that is over is not to be cut.
      if (transport === undefined) this.#pending.clear();
      else this.#pending.delete(transport);
    });
    // Node closes those that fail, but not those that take too long.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  destroyAll(): void {
    for (const socket of this.#pending) socket.destroy();
  }
}
