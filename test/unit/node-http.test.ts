/** What Node does not document of its HTTP server, tried on the Node that runs the tests. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import * as all from "../../src/node-http.ts";
import {
  isContinueSent,
  isMarked,
  sentHead,
  sentStatus,
  socketsAtRest,
  statusOfHead,
  statusSent,
  upgradeRequest,
} from "../../src/node-http.ts";

describe("what is known of replies", () => {
  it("are each tried here", () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), "utf8");
    expect(Object.keys(all).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
  });

  it("tell whether a client was told to go on", async () => {
    const server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    onTestFinished(() => void client.destroy());
    client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    const [, response] = (await once(server, "checkContinue")) as [unknown, http.ServerResponse];
    expect(isContinueSent(response)).toBe(false);
    response.writeContinue();
    expect(isContinueSent(response)).toBe(true);
  });

  it("know the head of a reply as it was sent", async () => {
    let response: http.ServerResponse | undefined;
    const server = http.createServer((_, reply) => {
      expect([sentHead(reply), statusSent(reply)]).toEqual([undefined, undefined]);
      response = reply.writeHead(201, ["X-A", "1", "X-A", "2"]);
      reply.end("body");
      reply.statusCode = 500;
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    await fetch(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`);
    expect(response && sentHead(response)).toMatch(/^HTTP\/1\.1 201 Created\r\nX-A: 1\r\nX-A: 2\r\n[^]*\r\n\r\n$/);
    expect(response && sentStatus(response)).toBe(201);
    expect(response && statusSent(response)).toBe(201);
    expect(statusOfHead("HTTP/1.1 404 Not Found\r\n\r\n")).toBe(404);
  });

  it("give no head of a reply of HTTP/2", async () => {
    const server = http2.createServer((_, reply) => {
      reply.end("body");
      expect(sentHead(reply as unknown as http.ServerResponse)).toBeUndefined();
      expect(sentStatus(reply as unknown as http.ServerResponse)).toBe(200);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const session = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    onTestFinished(() => session.destroy());
    const [headers] = (await once(session.request(), "response")) as [http2.IncomingHttpHeaders];
    expect(headers).toMatchObject({ ":status": 200 });
  });
});

it("tells the sockets on which no request has begun", async () => {
  const accepted: net.Socket[] = [];
  const server = http.createServer((_request, response) => response.end("served"));
  server.on("connection", (socket: net.Socket) => accepted.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const clients = await Promise.all(
    ["", "GET /next HT"].map(async (begun) => {
      const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
      await once(client, "connect");
      client.write(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${begun}`);
      await once(client, "data");
      return client.localPort;
    }),
  );
  const atRest = socketsAtRest(server);
  expect([...(atRest ?? [])].map(({ remotePort }) => remotePort)).toEqual([clients[0]]);
  expect(accepted.length).toBe(2);
  expect(socketsAtRest({} as http.Server)).toBeUndefined();
});

it("makes the request that Node itself hands over with an upgrade", async () => {
  const facts = async (request: http.IncomingMessage): Promise<unknown> => {
    const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, complete, rawHeaders, headers } = request;
    const { headersDistinct, trailers, rawTrailers, readableEnded, aborted, destroyed } = request;
    const { upgrade } = request as { upgrade?: unknown };
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const own = { isOwn: request instanceof http.IncomingMessage, isEnded: request.readableEnded, body, upgrade };
    const version = { httpVersion, httpVersionMajor, httpVersionMinor };
    const read = { rawHeaders, headers, headersDistinct, trailers, rawTrailers };
    return { method, url, complete, readableEnded, aborted, destroyed, ...own, ...version, ...read };
  };
  const server = http.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  onTestFinished(() => void client.destroy());
  const fields =
    "Host: h\r\nCookie: a\r\nX-A: 1\r\ncookie: b\r\nx-a: 2\r\nAge: 1\r\nAge: 2\r\nSet-Cookie: c\r\n__proto__: p\r\n";
  client.write(`GET /a?b HTTP/1.1\r\n${fields}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`, "latin1");
  const [theirs, socket] = (await once(server, "upgrade")) as [http.IncomingMessage, net.Socket];
  const ours = upgradeRequest(socket, { method: "GET", target: "/a?b", headers: [...theirs.rawHeaders] });
  expect([ours.socket, ours.connection]).toEqual([socket, socket]);
  expect(await facts(ours)).toEqual(await facts(theirs));
  socket.destroy();
});

it("tells a socket on which somebody has put something from one that Node alone has had", async () => {
  const sockets = new Set<net.Socket>();
  const server = http.createServer((request, response) => {
    const { socket } = request;
    sockets.add(socket);
    // What applications usually want to know of it, and do to it.
    expect([socket.remoteAddress, socket.localPort, socket.bytesRead > 0]).toContain(true);
    socket.setTimeout(60_000).setKeepAlive(true).setNoDelay(true);
    socket.once("close", () => {});
    request.resume().on("end", () => response.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1").resume();
  onTestFinished(() => void client.destroy());
  for (let count = 0; count < 2; count++) {
    client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
    await once(client, "data");
  }
  const [socket] = sockets;
  expect(socket && isMarked(socket)).toBe(false);
  Object.assign(socket ?? {}, { user: "ada" });
  expect(socket && isMarked(socket)).toBe(true);
});
