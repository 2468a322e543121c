/** Clients that go, or send what they should not, in the middle of anything: nothing of them stays behind. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import type { Application } from "../../../src/gateway/index.ts";
import { type HttpServer, serve, type ServeOptions } from "../../../src/http/index.ts";

const HOST = "Host: h\r\n";
const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const post = (path: string, fields: string, body: string) => `POST ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** What a client has sent when it goes; how many calls that makes, and what it has been told by then. */
const STATES: readonly (readonly [what: string, text: string, calls: number, told: string])[] = [
  ["has sent nothing", "", 0, ""],
  ["has sent half a request line", "GET / HT", 0, ""],
  ["has sent half a head", "GET / HTTP/1.1\r\nHost: h\r\nX", 0, ""],
  ["waits for its answer", get("/pending"), 1, ""],
  ["has sent half a body that is read", post("/read", "Content-Length: 100\r\n", "abc"), 1, ""],
  ["has sent half a chunk that is read", post("/read", CHUNKED, "5\r\nab"), 1, ""],
  ["has sent half a body that is not read", post("/pending", "Content-Length: 100\r\n", "abc"), 1, ""],
  ["gets a long answer", get("/stream"), 1, "x"],
  ["is idle", get("/"), 1, "HTTP/1.1 200"],
  ["is answered early, a little before its end", post("/", "Content-Length: 100\r\n", "abc"), 1, "HTTP/1.1 200"],
  ["is answered early, long before its end", post("/", "Content-Length: 10000000\r\n", "abc"), 1, "HTTP/1.1 200"],
  ["has ten requests in line", get("/pending").repeat(10), 10, ""],
  ["has half a body in line", get("/pending") + post("/read", CHUNKED, "5\r\nab"), 2, ""],
  ["has a broken body in line", get("/pending") + post("/read", CHUNKED, "zz\r\nab"), 2, ""],
  ["has a refusal in line", `${get("/pending")}GET / HTTP/1.1\r\n\r\n`, 1, ""],
  ["is refused", "GET / HTTP/1.1\r\n\r\n", 0, "HTTP/1.1 400"],
  ["waits to be told to send", post("/pending", "Expect: 100-continue\r\nContent-Length: 5\r\n", ""), 1, ""],
  ["is told to send", post("/read", "Expect: 100-continue\r\nContent-Length: 5\r\n", ""), 1, "HTTP/1.1 100"],
  ["asks for another protocol", get("/up", "Connection: Upgrade\r\nUpgrade: x\r\n"), 0, "HTTP/1.1 101"],
];

describe.each([
  ["over TCP", undefined],
  ["over TLS", { cert: fixture("cert.pem"), key: fixture("key.pem") }],
])("%s", (_, tls) => {
  describe.each(["ends its side", "is gone"])("a client that %s", (how) => {
    test.each(STATES)("when it %s", async (_what, text, calls, told) => {
      const seen = { calls: 0, streams: 0, errors: [] as unknown[] };
      const server = await serve(applicationOf(seen), {
        onError: (error) => seen.errors.push(error),
        onUpgrade: (_request, socket) => {
          socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
          socket
            .resume()
            .on("end", () => socket.end())
            .on("error", () => {});
        },
        ...(tls === undefined ? {} : { tls }),
      });
      try {
        const client = await connectTo(server, tls !== undefined);
        client.socket.write(text, "latin1");
        while (seen.calls < calls || !client.received().includes(told) || server.engine.size === 0) await turn();
        if (how === "ends its side") client.socket.end();
        else if (tls === undefined) client.socket.resetAndDestroy();
        else client.socket.destroy();
        while (server.engine.size > 0) await turn();
        expect(server.engine.inFlight).toBe(0);
        while (seen.streams > 0) await turn();
        expect(seen).toEqual({ calls, streams: 0, errors: [] });
        client.socket.destroy();
      } finally {
        await server.destroy();
      }
    });
  });
});

test("a head that is late behind a reply that is due is refused once, in its turn", async () => {
  const refused: number[] = [];
  let answer = (): void => {};
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const application: Application = async (_environ, startResponse) => {
    await gate;
    startResponse(200, []);
    return ["x"];
  };
  const options: ServeOptions = { limits: { headersMs: 100 }, onBadRequest: ({ status }) => refused.push(status) };
  const server = await serve(application, options);
  try {
    const client = await connectTo(server, false);
    client.socket.write(`${get("/")}GET / HT`);
    while (refused.length === 0) await turn();
    // Ten more turns of the clock: none of them may find the same head late again.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([refused, server.engine.inFlight]).toEqual([[408], 2]);
    answer();
    await once(client.socket, "end");
    expect(client.received().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 408"]);
    client.socket.destroy();
  } finally {
    await server.destroy();
  }
});

function applicationOf(seen: { calls: number; streams: number }): Application {
  return async (environ, startResponse) => {
    seen.calls++;
    const path = environ.PATH_INFO;
    const signal = environ["gateway.signal"];
    if (path === "/pending") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    if (path === "/read") await environ["gateway.input"].read().catch(() => {});
    startResponse(200, []);
    if (path !== "/stream") return ["x"];
    seen.streams++;
    return (async function* () {
      try {
        for (;;) yield Buffer.alloc(65_536, "x");
      } finally {
        seen.streams--;
      }
    })();
  };
}

async function connectTo({ port }: HttpServer, isSecure: boolean): Promise<{ socket: Socket; received(): string }> {
  const options = { port, host: "127.0.0.1", allowHalfOpen: true };
  const socket = isSecure ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  // Whoever is reset is told so.
  socket.on("error", () => {});
  let text = "";
  socket.setEncoding("latin1").on("data", (piece: string) => (text = (text + piece).slice(-LONGEST_HEARD)));
  await once(socket, isSecure ? "secureConnect" : "connect");
  return { socket, received: () => text };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 2);
  });
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
}

const LONGEST_HEARD = 10_000;
