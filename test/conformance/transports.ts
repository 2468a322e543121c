/** The transports that the cases are run against: each starts a server for an application and says on which port. */

import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expectContinue, toNodeListener } from "../../src/gateway/index.ts";
import type { Application } from "../../src/gateway/index.ts";
import { serve } from "../../src/http/index.ts";

export interface RunningServer {
  readonly port: number;
  /** Errors of the application that were reported, in order. */
  readonly errors: readonly unknown[];
  /** Closes the server and every connection. */
  stop(): Promise<void>;
}

export interface Transport {
  readonly name: string;
  start(application: Application): Promise<RunningServer>;
}

const nodeHttp: Transport = {
  name: "node:http",
  async start(application) {
    const errors: unknown[] = [];
    const listener = toNodeListener(application, { multiprocess: true, onError: (error) => errors.push(error) });
    const server = createServer(listener);
    server.on("checkContinue", (request, response) => {
      expectContinue(request, response);
      listener(request, response);
    });
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return {
      port: (server.address() as AddressInfo).port,
      errors,
      stop: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    };
  },
};

const engine: Transport = {
  name: "the engine",
  async start(application) {
    const errors: unknown[] = [];
    const server = await serve(application, { multiprocess: true, onError: (error) => errors.push(error) });
    return { port: server.port, errors, stop: () => server.destroy() };
  },
};

export const transports: readonly Transport[] = [nodeHttp, engine];
