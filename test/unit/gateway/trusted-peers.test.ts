/** Whom programs that embed the gateway let be believed, as both of its servers take it. */

import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { AddressList } from "../../../src/address-list.ts";
import { type Application, toNodeListener } from "../../../src/gateway/index.ts";
import type { TrustedPeers } from "../../../src/gateway/trusted-peers.ts";
import { serve } from "../../../src/http/index.ts";

const application: Application = (environ, startResponse) => {
  startResponse(200, []);
  return [environ.REMOTE_ADDR ?? ""];
};

interface Running {
  readonly port: number;
  readonly stop: () => unknown;
}

const SERVERS: Readonly<Record<string, (trustedPeers: TrustedPeers) => Promise<Running>>> = {
  serve: async (trustedPeers) => {
    const server = await serve(application, { trustedPeers });
    return { port: server.port, stop: () => server.destroy() };
  },
  toNodeListener: async (trustedPeers) => {
    const server = createServer(toNodeListener(application, { trustedPeers })).listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
  },
};

describe.each(Object.entries(SERVERS))("%s", (_, start) => {
  test.each<[TrustedPeers, string]>([
    [["10.0.0.0/8", "127.0.0.1"], "192.0.2.7"],
    [new AddressList(["127.0.0.0/8"]), "192.0.2.7"],
    [["*"], "192.0.2.7"],
    [["10.0.0.0/8", "::1"], "127.0.0.1"],
    [["none"], "127.0.0.1"],
  ])("with %j the client is %s", async (trustedPeers, client) => {
    const { port, stop } = await start(trustedPeers);
    try {
      const headers = { "x-forwarded-for": "192.0.2.7" };
      const request = httpRequest({ host: "127.0.0.1", port, headers, agent: false }).end();
      const [response] = await once(request, "response");
      expect(await text(response)).toBe(client);
    } finally {
      await stop();
    }
  });

  test.each<[unknown, string]>([
    [
      ["10.0.0.0/8", "proxy.example"],
      'trustedPeers: "proxy.example" is neither an address nor a network; give 10.0.0.7,',
    ],
    [["10.0.0.0/33"], 'trustedPeers: "10.0.0.0/33" is neither an address nor a network'],
    [[], "trustedPeers: the list is empty; for nobody give none"],
    ["10.0.0.0/8", 'trustedPeers must be a list such as ["10.0.0.0/8", "::1"], not a string'],
    [null, 'trustedPeers must be a list such as ["10.0.0.0/8", "::1"], not null'],
  ])("refuses %j", async (trustedPeers, complaint) => {
    const refusal = await (async () => start(trustedPeers as TrustedPeers))().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect((refusal as Error).message).toContain(complaint);
  });
});
