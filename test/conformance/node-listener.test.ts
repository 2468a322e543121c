/** What the Node listener owes to `node:http` and its owner, beyond the cases that every transport has to pass. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { type Application, type Environ, toNodeListener } from "../../src/gateway/index.ts";

const environOf: (seen: Environ[]) => Application = (seen) => (environ, startResponse) => {
  seen.push(environ);
  startResponse(200, []);
  return ["x"];
};

async function withServer(
  server: Server,
  address: { readonly path: string } | { readonly host: string },
  use: (get: (headers?: Readonly<Record<string, string>>) => Promise<IncomingMessage>) => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve) => {
    server.listen("path" in address ? address : { ...address, port: 0 }, resolve);
  });
  const bound = server.address() as AddressInfo | string;
  const target = typeof bound === "string" ? { socketPath: bound } : { host: "127.0.0.1", port: bound.port };
  const get = (headers = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request({ ...target, headers }, resolve)
        .on("error", reject)
        .end();
    });
  try {
    await use(get);
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}

test("a client's IPv4 address on a socket for both families is IPv4", async () => {
  const seen: Environ[] = [];
  const server = createServer(toNodeListener(environOf(seen)));
  await withServer(server, { host: "::" }, async (get) => {
    const response = await get();
    expect(await text(response)).toBe("x");
    expect(seen[0]).toMatchObject({ REMOTE_ADDR: "127.0.0.1", SERVER_NAME: "127.0.0.1" });
    expect(seen[0]?.SERVER_PORT).toBe(String((server.address() as AddressInfo).port));
    expect(seen[0]?.REMOTE_PORT).toMatch(/^\d+$/);
  });
});

test("on a unix socket the server has the name in Host, and the client no address", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tsgate-listener-"));
  try {
    const seen: Environ[] = [];
    const server = createServer(toNodeListener(environOf(seen)));
    await withServer(server, { path: join(directory, "socket") }, async (get) => {
      await text(await get({ host: "example.org:81" }));
      expect(seen[0]).toMatchObject({ SERVER_NAME: "example.org", SERVER_PORT: "80" });
      expect(seen[0]).not.toHaveProperty("REMOTE_ADDR");
      expect(seen[0]).not.toHaveProperty("REMOTE_PORT");
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each([
  ["a list", () => ["x"]],
  ["a generator", () => new Set(["x"]).values()],
])("whoever drains the server decides about the connection: %s", async (_, makeBody) => {
  const listener = toNodeListener((_environ, startResponse) => {
    startResponse(200, []);
    return makeBody();
  });
  const server = createServer((incoming, response) => {
    response.shouldKeepAlive = false;
    listener(incoming, response);
  });
  await withServer(server, { host: "127.0.0.1" }, async (get) => {
    const response = await get({ connection: "keep-alive" });
    expect(response.headers.connection).toBe("close");
    expect(await text(response)).toBe("x");
  });
});

test("an answer has a Date and no Server header", async () => {
  await withServer(createServer(toNodeListener(environOf([]))), { host: "127.0.0.1" }, async (get) => {
    const response = await get();
    await text(response);
    expect(new Date(response.headers.date as string).getTime()).not.toBeNaN();
    expect(response.headers).not.toHaveProperty("server");
  });
});

test("options become what the application sees", async () => {
  const seen: Environ[] = [];
  const errors = { write() {}, writelines() {}, flush() {} };
  const listener = toNodeListener(environOf(seen), { multiprocess: true, urlScheme: "https", errors });
  await withServer(createServer(listener), { host: "127.0.0.1" }, async (get) => {
    await text(await get());
    expect(seen[0]).toMatchObject({ "gateway.multiprocess": true, "gateway.url_scheme": "https" });
    expect(seen[0]?.["gateway.errors"]).toBe(errors);
  });
});

test("without onError an error goes to the error stream, with its stack and without the query", async () => {
  const written: string[] = [];
  const errors = { write: (line: string) => void written.push(line), writelines() {}, flush() {} };
  const failing = () => {
    throw new Error("of the application");
  };
  await withServer(createServer(toNodeListener(failing, { errors })), { host: "127.0.0.1" }, async (get) => {
    const response = await get();
    expect([response.statusCode, await text(response)]).toEqual([500, "Internal Server Error\n"]);
    expect(written).toEqual([expect.stringMatching(/^GET \/: Error: of the application\n\s+at failing/)]);
  });
});
