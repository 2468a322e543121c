/** Connections that a proxy introduces: who the client is, for every kind of application, and who is turned away. */

import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { binaryHeader, headerLine } from "../support/proxy-headers.ts";
import { connectRaw, RawClient } from "../support/raw-client.ts";
import { reload } from "../support/reloading.ts";
import { tempProject } from "../support/temp-project.ts";
import type { Target } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const CERTIFICATES = fileURLToPath(new URL("../fixtures/tls", import.meta.url));
const CLIENT = { address: "192.0.2.7", port: 4711 };
const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

const NODE = `export default (request, response) => {
  const { remoteAddress, remotePort, remoteFamily } = request.socket;
  response.end(\`<\${remoteAddress} \${remotePort} \${remoteFamily}>\`);
};`;
const ENVIRON = `export function application({ REMOTE_ADDR, REMOTE_PORT }, startResponse) {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return [\`<\${REMOTE_ADDR} \${REMOTE_PORT} IPv4>\`];
}`;
const FETCH = `export default {
  fetch: (_, { REMOTE_ADDR, REMOTE_PORT }) => new Response(\`<\${REMOTE_ADDR} \${REMOTE_PORT} IPv4>\`),
};`;
const EXPRESS = `import express from "express";
const app = express();
app.get("/", ({ ip, socket }, response) => response.send(\`<\${ip} \${socket.remotePort} \${socket.remoteFamily}>\`));
export default app;`;
/** It looks at each connection as soon as it has it. */
const PROGRAM = `import http from "node:http";
const server = http.createServer((request, response) => response.end(\`<\${request.socket.greeted}>\`));
server.on("connection", (socket) => {
  socket.greeted = \`\${socket.remoteAddress} \${socket.remotePort} \${socket.remoteFamily}\`;
});
server.listen(3000);`;
const secure = (module: string, create: string): string => `import http from "node:${module}";
import { readFileSync } from "node:fs";
const read = (name) => readFileSync(${JSON.stringify(CERTIFICATES + path.sep)} + name);
http.${create}({ key: read("key.pem"), cert: read("cert.pem") }, ({ socket }, response) => {
  response.end(\`<\${socket.remoteAddress} \${socket.remotePort} \${socket.remoteFamily}>\`);
}).listen(3000);`;

describe.each([
  ["a (req, res) function", NODE],
  ["a gateway application", ENVIRON],
  ["a fetch handler", FETCH],
  ["an Express application", EXPRESS],
  ["a program with a server of its own", PROGRAM],
])("to %s the client is whom its proxy names", (_, app) => {
  test.each([
    ["v1", "127.0.0.1:0"],
    ["v2", "unix:app.sock"],
  ] as const)("in a header of %s on %s", async (version, bind) => {
    const { target } = await serve(app, ["--proxy-protocol", version], bind);
    const header = version === "v1" ? headerLine(CLIENT) : binaryHeader(CLIENT).toString("latin1");
    const inOnePiece = await connectRaw(target);
    inOnePiece.send(header + REQUEST);
    await inOnePiece.received(/<192\.0\.2\.7 4711 IPv4>/);
    // And for the next request on it.
    inOnePiece.send(REQUEST);
    await inOnePiece.received(/>[^]*<192\.0\.2\.7 4711 IPv4>/);
  });
});

describe("a header", () => {
  test("may come in any two pieces", async () => {
    const { target } = await serve(NODE, ["--proxy-protocol", "auto"]);
    for (const bytes of [headerLine(CLIENT) + REQUEST, binaryHeader(CLIENT).toString("latin1") + REQUEST]) {
      const asked = Array.from({ length: bytes.length - 1 }, async (_, index) => {
        const client = await connectRaw(target);
        client.send(bytes.slice(0, index + 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        client.send(bytes.slice(index + 1));
        await client.received(/<192\.0\.2\.7 4711 IPv4>/);
      });
      await Promise.all(asked);
    }
  });

  test("may be followed by a body that is larger than a read, and by the end of what the client sends", async () => {
    const { target } = await serve(
      `export default async (request, response) => {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response.end(\`<\${bytes} \${request.socket.remoteAddress}>\`);
    };`,
      ["--proxy-protocol", "auto"],
    );
    const client = await connectRaw(target);
    const length = 3_000_000;
    client.send(headerLine(CLIENT));
    client.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`);
    client.socket.end();
    await client.received(/<3000000 192\.0\.2\.7>/);
  });

  test("that names nobody leaves the connection's own address", async () => {
    const { target } = await serve(NODE, ["--proxy-protocol", "auto"]);
    for (const header of ["PROXY UNKNOWN\r\n", binaryHeader(undefined).toString("latin1")]) {
      const client = await connectRaw(target);
      client.send(header + REQUEST);
      await client.received(/<127\.0\.0\.1 \d+ IPv4>/);
    }
  });

  test("makes a peer of the client, whose own forwarding headers are not believed", async () => {
    const { target } = await serve(FETCH, ["--proxy-protocol", "v1"], "unix:app.sock");
    const client = await connectRaw(target);
    client.send(`${headerLine(CLIENT)}GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n`);
    await client.received(/<192\.0\.2\.7 4711 IPv4>/);
  });

  test("is in the access log and in the log of those who were cut", async () => {
    const limits = ["--headers-timeout", "3s", "--access-logfile", "-", "--access-logformat", "<%(h)s %(s)s>"];
    const { server, target } = await serve(NODE, ["--proxy-protocol", "v1", ...limits]);
    const client = await connectRaw(target);
    client.send(`${headerLine(CLIENT)}GET / HT`);
    await server.waitForOutput(/<192\.0\.2\.7 408>/);
    await server.waitForRecord({ msg: "connections cut", client: CLIENT.address });
  });
});

describe("encryption behind it", () => {
  test("of a program's own https server", async () => {
    const { target } = await serve(secure("https", "createServer"), ["--proxy-protocol", "v2"]);
    const encrypted = await handshake(target, binaryHeader(CLIENT));
    encrypted.send(REQUEST);
    await encrypted.received(/<192\.0\.2\.7 4711 IPv4>/);
  });

  test("of a program's own http2 server", async () => {
    const { target } = await serve(secure("http2", "createSecureServer"), ["--proxy-protocol", "v1"]);
    const encrypted = await handshake(target, headerLine(CLIENT), ["h2"]);
    const session = http2.connect("https://localhost", { createConnection: () => encrypted.socket });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/" }).setEncoding("utf8");
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    expect(text).toBe("<192.0.2.7 4711 IPv4>");
  });
});

describe("a connection is closed", () => {
  test.each([
    ["whose header is missing", REQUEST, "missing"],
    ["whose header is malformed", "PROXY TCP4 nobody 203.0.113.1 1 2\r\n", "malformed"],
    ["whose header is too long", "PROXY UNKNOWN ".padEnd(200, "x"), "oversized"],
    ["whose header breaks off", "PROXY TCP4 192", "truncated"],
  ])("%s", async (_, bytes, why) => {
    const { server, target } = await serve(NODE, ["--proxy-protocol", "auto"]);
    const client = await connectRaw(target);
    client.send(bytes);
    if (why === "truncated") client.socket.end();
    expect((await client.ended()).text).toBe("");
    expect(await server.waitForRecord({ msg: "connections refused", why })).toMatchObject({
      count: 1,
      peer: "127.0.0.1",
    });
  });

  test("of a stranger, before anything is read of it", async () => {
    const { server, target } = await serve(NODE, ["--proxy-protocol", "auto", "--proxy-allow-from", "10.0.0.0/8"]);
    const client = await connectRaw(target);
    await client.ended();
    await server.waitForRecord({ msg: "connections refused", why: "stranger" });
  });

  test("on which no whole header comes within the headers timeout", async () => {
    const { server, target } = await serve(NODE, ["--proxy-protocol", "auto", "--headers-timeout", "2s"]);
    const silent = await connectRaw(target);
    const begun = await connectRaw(target);
    begun.send("PROXY TCP4");
    expect([(await silent.ended()).text, (await begun.ended()).text]).toEqual(["", ""]);
    await server.waitForRecord({ msg: "connections cut", timeout: "headers-timeout" });
  });

  test("without a word when it says nothing, as a check of the port does", async () => {
    const { server, target } = await serve(NODE, ["--proxy-protocol", "auto"]);
    for (let asked = 0; asked < 5; asked++) (await connectRaw(target)).socket.destroy();
    const refused = await connectRaw(target);
    refused.send(REQUEST);
    await refused.ended();
    // One that is refused later is the first that is told of.
    await server.waitForRecord({ msg: "connections refused" });
    const told = server.log.all("connections refused");
    expect(told).toMatchObject([{ why: "missing", count: 1 }]);
  });
});

describe("at a reload an idle connection moves", () => {
  test.each(["127.0.0.1:0", "unix:app.sock"])("with its client's address, on %s", async (bind) => {
    const { server, target } = await serve(NODE, ["--proxy-protocol", "auto"], bind);
    const used = await connectRaw(target);
    used.send(headerLine(CLIENT) + REQUEST);
    await used.received(/<192\.0\.2\.7 4711 IPv4>/);
    const unused = await connectRaw(target);
    unused.send(headerLine({ address: "2001:db8::1", port: 1 }));
    const silent = await connectRaw(target);
    await reload(server, 2);
    const moved = server.log.all("connections moved").reduce((sum, { connections }) => sum + Number(connections), 0);
    expect(moved).toBe(3);
    used.send(REQUEST);
    await used.received(/>[^]*<192\.0\.2\.7 4711 IPv4>/);
    unused.send(REQUEST);
    await unused.received(/<2001:db8::1 1 IPv6>/);
    silent.send(headerLine(CLIENT) + REQUEST);
    await silent.received(/<192\.0\.2\.7 4711 IPv4>/);
  });
});

test("a stop answers the request of a connection that had not been introduced before it", async () => {
  const { server, target } = await serve(NODE, ["--proxy-protocol", "auto", "--linger", "20s"]);
  const client = await connectRaw(target);
  client.send("PROXY ");
  // Answered on the same worker: the other connection is accepted by now.
  const other = await connectRaw(target);
  other.send(headerLine(CLIENT) + REQUEST);
  await other.received(/<192/);
  other.socket.destroy();
  server.signal("SIGTERM");
  await server.waitForRecord("worker draining");
  client.send(headerLine(CLIENT).slice("PROXY ".length) + REQUEST);
  await client.received(/<192\.0\.2\.7 4711 IPv4>/);
  expect(await server.exited).toMatchObject({ code: 0 });
});

test.each([
  ["--proxy-protocol", "v3"],
  ["--proxy-allow-from", "everybody"],
])("%s %s is refused", async (...args) => {
  const { code, stderr } = await runTsgate([...args, "app.mjs"]);
  expect([code, stderr.trim().split("\n").length]).toEqual([2, 1]);
});

async function serve(
  app: string,
  args: readonly string[],
  bind = "127.0.0.1:0",
): Promise<{ server: Tsgate; target: Target }> {
  const project = await tempProject({ "app.mjs": app });
  await project.linkPackages("express");
  const linger = args.includes("--linger") ? [] : ["--linger", "100ms"];
  const own = ["--workers", "1", "--bind", bind, "--log-level", "debug", ...linger];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  return { server, target: await server.target() };
}

/** Sends `header` as it is, and then encrypts. */
async function handshake(target: Target, header: string | Buffer, protocols?: string[]): Promise<RawClient> {
  const plain = net.connect({ ...target });
  plain.write(header, "latin1");
  const socket = tls.connect({
    socket: plain,
    rejectUnauthorized: false,
    ...(protocols && { ALPNProtocols: protocols }),
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return protocols === undefined
    ? new RawClient(socket)
    : Object.assign(Object.create(RawClient.prototype) as RawClient, { socket });
}
