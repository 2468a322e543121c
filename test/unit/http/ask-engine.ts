/** One engine, raw bytes to it and what comes back: for tests of the engine alone. */

import { type RawClient, withClients } from "../../conformance/http-reader.ts";
import type { Application, Environ } from "../../../src/gateway/index.ts";
import { type HttpServer, serve, type ServeOptions } from "../../../src/http/index.ts";

/** What an application of `recorder` was asked. */
export interface Seen {
  readonly environ: Environ;
  readonly body: string;
}

/** Answers with how many bytes came; leaves what it saw in `seen`. */
export function recorder(seen: Seen[]): Application {
  return async (environ, startResponse) => {
    const body = Buffer.from(await environ["gateway.input"].read()).toString("latin1");
    seen.push({ environ, body });
    startResponse(200, [["Content-Type", "text/plain"]]);
    return [`${body.length}`];
  };
}

/** Runs `use` with a server of its own and a way to connect to it. */
export async function withEngine(
  application: Application,
  options: ServeOptions,
  use: (connect: () => RawClient, server: HttpServer) => Promise<void>,
): Promise<void> {
  const server = await serve(application, options);
  try {
    await withClients(server.port, async (connect) => use(connect, server));
  } finally {
    await server.destroy();
  }
}
