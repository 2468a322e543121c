/**
 * Upgraded connections: they count as connections, a drain tells a WebSocket that the server goes away, and waits for
 * it until the deadline. The library that serves it is the application's own; here it is a few lines.
 */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
/** A close frame of the server with 1001, as latin-1. */
const GOING_AWAY = "\x88\x02\x03\xe9";
/** The client's answer, masked with zeros. */
const CLOSE = "\x88\x82\0\0\0\0\x03\xe9";

/** Echoes whatever comes as a frame of text, and ends when the client has said close, or ends. */
const UPGRADE = `(request, socket) => {
  const greet = () => {
    socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: " + request.headers.upgrade + "\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ${ACCEPT}\\r\\n\\r\\n");
    socket.on("data", (chunk) => (chunk[0] === 0x88 && request.url !== "/deaf" ? socket.end() : socket.write("\\x81" + String.fromCharCode(5 + chunk.length) + "echo " + chunk, "latin1")));
  };
  socket.on("end", () => socket.end());
  console.log("upgrade " + request.url);
  if (request.url === "/refused") socket.end("HTTP/1.1 401 Unauthorized\\r\\nConnection: close\\r\\n\\r\\n");
  else if (request.url === "/late") setTimeout(greet, 400);
  else greet();
}`;
const LISTENER = "(request, response) => response.end('hello')";

/** What is served, by which transport, and its code. */
const KINDS = [
  ["node", "auto", `export default ${LISTENER};\nexport const upgrade = ${UPGRADE};\n`],
  ["fetch", "engine", `export default { fetch: () => new Response("hello") };\nexport const upgrade = ${UPGRADE};\n`],
  [
    "gateway",
    "node",
    `export const application = (environ, startResponse) => (startResponse(200, []), ["hello"]);\nexport const upgrade = ${UPGRADE};\n`,
  ],
  [
    "server",
    "auto",
    `import http from "node:http";\nhttp.createServer(${LISTENER}).listen(3000).on("upgrade", ${UPGRADE});\n`,
  ],
] as const;

async function start(code: string, args: readonly string[] = []): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  const all = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "200ms", ...args, "app.mjs"];
  return startTsgate(all, { cwd: project.dir });
}

async function upgrade(server: Tsgate, path = "/", protocol = "websocket"): Promise<RawClient> {
  const client = await connectRaw(await server.target());
  client.send(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n` +
      `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  await server.waitForOutput(new RegExp(`upgrade ${path}\n`));
  return client;
}

describe.each(KINDS)("of kind %s, served by %s, a WebSocket", (_, transport, code) => {
  test("is told 1001 at a reload, answers, and is closed", async () => {
    const server = await start(code, ["--transport", transport]);
    const client = await upgrade(server);
    await client.received(/\r\n\r\n$/);
    client.send("hey");
    await client.received(/echo hey$/);
    server.signal("SIGHUP");
    await client.received(new RegExp(`${GOING_AWAY}$`));
    client.send(CLOSE);
    await client.ended();
    expect(client.end).toBe("fin");
    await server.waitForRecord("reload done");
    expect((await server.stop()).code).toBe(0);
  });
});

describe.each(KINDS.filter(([, transport]) => transport !== "node"))("of kind %s, served by %s", (_, __, code) => {
  test("a WebSocket that does not answer is closed at the deadline", async () => {
    const server = await start(code, ["--graceful-timeout", "1s"]);
    const client = await upgrade(server, "/deaf");
    await client.received(/\r\n\r\n$/);
    server.signal("SIGTERM");
    await client.ended();
    expect(client.text.endsWith(GOING_AWAY)).toBe(true);
    expect(await server.waitForRecord("drain deadline passed")).toMatchObject({ connections: 1 });
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("a WebSocket whose handshake ends during the drain is told 1001 behind it", async () => {
    const server = await start(code);
    const client = await upgrade(server, "/late");
    server.signal("SIGTERM");
    await client.received(new RegExp(`\r\n\r\n${GOING_AWAY}$`));
    client.send(CLOSE);
    await client.ended();
    expect(client.text).toMatch(/^HTTP\/1\.1 101 /);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("an upgrade that is refused gets its refusal and nothing else", async () => {
    const server = await start(code);
    const client = await upgrade(server, "/refused");
    await client.ended();
    expect(client.text).toBe("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    expect((await server.stop()).code).toBe(0);
  });

  test("another protocol is left alone, and waited for", async () => {
    const server = await start(code);
    const client = await upgrade(server, "/", "chat");
    await client.received(/\r\n\r\n$/);
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining");
    client.send("still there");
    await client.received(/echo still there$/);
    expect(client.text).not.toContain(GOING_AWAY);
    client.socket.end();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.log.all("drain deadline passed")).toEqual([]);
  });
});

test.each([
  ["node", "auto", `export default ${LISTENER}`],
  ["fetch", "engine", "export default { fetch: () => new Response('hello') }"],
])(
  "of kind %s, a drain in the middle of a frame that is piped to a slow client leaves it whole, and says 1001 behind it",
  async (_, transport, app) => {
    const size = 8_000_000;
    const server = await start(
      `import { once } from "node:events";
    import { Readable } from "node:stream";
    import { setImmediate as turn } from "node:timers/promises";
    ${app};
    /** In pieces of a turn each; the second half waits until the client has said something. */
    async function* frame(told) {
      const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
      head.writeUInt32BE(${size}, 6);
      yield head.subarray(0, 3);
      await turn();
      yield head.subarray(3);
      for (let sent = 0; sent < ${size}; sent += 50_000) {
        if (sent === ${size / 2}) await told;
        yield Buffer.alloc(50_000, "x");
        await turn();
      }
    }
    export const upgrade = (request, socket) => {
      console.log("upgrade " + request.url);
      socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n");
      Readable.from(frame(once(socket, "data")), { objectMode: false }).pipe(socket, { end: false });
      socket.on("data", (chunk) => chunk[0] === 0x88 && socket.end());
    };\n`,
      ["--transport", transport],
    );
    const idle = await connectRaw(await server.target());
    idle.get("/");
    await idle.received(/hello$/);
    const client = await upgrade(server);
    await client.received(/xxx$/);
    client.socket.pause();
    server.signal("SIGTERM");
    // Closed only when the drain has begun on every connection.
    await idle.ended();
    client.send("go on");
    client.socket.resume();
    await client.received(new RegExp(`${GOING_AWAY}$`));
    client.send(CLOSE);
    await client.ended();
    const frames = client.text.slice(client.text.indexOf("\r\n\r\n") + 4);
    const length = "\0\0\0\0" + Buffer.from([size >> 24, size >> 16, size >> 8, size]).toString("latin1");
    expect(frames === `\x82\x7f${length}${"x".repeat(size)}${GOING_AWAY}`).toBe(true);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  },
);

test("without anybody to take it, an upgrade is answered like any request", async () => {
  const server = await start(`export default ${LISTENER};\n`);
  const client = await connectRaw(await server.target());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await client.received(/hello$/);
  expect((await server.stop()).code).toBe(0);
});
