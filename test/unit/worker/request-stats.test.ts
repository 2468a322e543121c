/** What is counted of requests and connections, over a real server that is tracked as a worker tracks it. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import http, { type RequestListener } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { requestsIn } from "../../../src/observe/request-totals.ts";
import { type RequestTotals, STATUS_CLASSES } from "../../../src/worker-stats.ts";
import { Connections } from "../../../src/worker/connections.ts";
import { HttpTracking } from "../../../src/worker/http-tracking.ts";
import { rejectionOf, RequestStats } from "../../../src/worker/request-stats.ts";

interface Counting {
  readonly stats: RequestStats;
  readonly server: http.Server;
  readonly connect: () => net.Socket;
}

async function counting(listener: RequestListener): Promise<Counting> {
  const connections = new Connections();
  const stats = new RequestStats();
  connections.stats = stats;
  const server = http.createServer({ maxHeaderSize: 1024 });
  new HttpTracking(connections).track(server);
  server.on("request", listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  onTestFinished(() => {
    connections.destroyAll();
    server.close();
  });
  return { stats, server, connect: () => net.connect({ port, host: "127.0.0.1" }).setEncoding("latin1") };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Answers with the status that the path names. */
const byPath: RequestListener = (request, response) => {
  response.statusCode = Number(request.url?.slice(1));
  response.end("x");
};

/** Asks until it is so. */
async function until(stats: RequestStats, condition: (totals: RequestTotals) => boolean): Promise<RequestTotals> {
  for (;;) {
    const totals = stats.totals(0);
    if (condition(totals)) return totals;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const byStatus = (totals: RequestTotals): Record<string, number> =>
  Object.fromEntries(STATUS_CLASSES.map((name, index) => [name, totals.byStatus[index] ?? 0]));

describe("requests are counted", () => {
  it("by the class of their status", async () => {
    const { stats, connect } = await counting(byPath);
    const client = connect();
    for (const status of [200, 204, 299, 301, 404, 418, 500, 503, 599]) client.write(get(`/${status}`));
    const totals = await until(stats, (now) => requestsIn(now) === 9);
    expect(byStatus(totals)).toEqual({ "2xx": 3, "3xx": 1, "4xx": 2, "5xx": 3, none: 0 });
    expect(totals.accepted).toBe(1);
    expect(stats.inFlight).toBe(0);
  });

  it("by their duration", async () => {
    const { stats, connect } = await counting((_request, response) => void setTimeout(() => response.end("x"), 60));
    connect().write(get("/"));
    const totals = await until(stats, (now) => requestsIn(now) === 1);
    expect(totals.durationMs).toBeGreaterThan(55);
    expect(totals.durations.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(totals.durations.slice(0, 20).every((count) => count === 0)).toBe(true);
  });

  it("as in progress from their head to their end", async () => {
    const held: http.ServerResponse[] = [];
    const { stats, connect } = await counting((_request, response) => void held.push(response));
    const client = connect();
    client.write(get("/"));
    connect().write(get("/"));
    while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(stats.inFlight).toBe(2);
    held[0]?.end();
    await until(stats, (now) => requestsIn(now) === 1);
    expect(stats.inFlight).toBe(1);
  });

  it("as without a status when the client goes before there was one, and by the status that was sent when it goes later", async () => {
    const { stats, connect } = await counting((request, response) => {
      if (request.url === "/begun") response.write("x");
    });
    const [silent, begun] = [connect(), connect()];
    silent.write(get("/"), () => setTimeout(() => silent.destroy(), 30));
    begun.write(get("/begun"));
    await once(begun, "data");
    begun.destroy();
    expect(byStatus(await until(stats, (now) => requestsIn(now) === 2))).toMatchObject({ "2xx": 1, none: 1 });
    expect(stats.inFlight).toBe(0);
  });

  it("and none stays in progress when a client goes that had sent several at once", async () => {
    const { stats, server, connect } = await counting(() => {});
    const closed = once(server, "connection").then(async ([socket]) => once(socket as net.Socket, "close"));
    const client = connect();
    client.write(get("/").repeat(5));
    while (stats.inFlight < 5) await new Promise((resolve) => setTimeout(resolve, 2));
    client.destroy();
    await closed;
    expect(stats.inFlight).toBe(0);
  });

  it("once, also when a 100 is asked for first", async () => {
    const { stats, server, connect } = await counting((_request, response) => response.end("x"));
    server.on("checkContinue", (request: http.IncomingMessage, response: http.ServerResponse) =>
      server.emit("request", request, response),
    );
    connect().write("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    await until(stats, (now) => requestsIn(now) > 0);
    expect(requestsIn(stats.totals(0))).toBe(1);
    expect(stats.inFlight).toBe(0);
  });
});

describe("bytes are counted", () => {
  it("with the heads, on connections that live and on those that have gone", async () => {
    const { stats, connect } = await counting((_request, response) => response.end("x".repeat(1000)));
    const client = connect();
    let received = 0;
    client.on("data", (text: string) => (received += text.length));
    const text = get("/");
    client.write(text);
    await until(stats, (now) => requestsIn(now) === 1 && received > 1000);
    expect(stats.totals(0)).toMatchObject({ bytesReceived: text.length, bytesSent: received });
    client.write(text);
    await until(stats, (now) => requestsIn(now) === 2 && received > 2000);
    client.end();
    await once(client, "close");
    expect(stats.totals(0)).toMatchObject({ bytesReceived: 2 * text.length, bytesSent: received });
  });

  it("of a reply while it is sent", async () => {
    const { stats, connect } = await counting((_request, response) => response.write("x".repeat(5000)));
    connect().write(get("/"));
    const totals = await until(stats, ({ bytesSent }) => bytesSent > 5000);
    expect(requestsIn(totals)).toBe(0);
  });

  it("of a connection that went over to another protocol", async () => {
    const { stats, server, connect } = await counting(() => {});
    server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
      socket.pipe(socket);
    });
    const client = connect();
    client.write("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    await once(client, "data");
    const before = await until(stats, ({ upgrades }) => upgrades === 1);
    client.write("y".repeat(3000));
    await until(stats, ({ bytesReceived, bytesSent }) => {
      const [inBytes, outBytes] = [bytesReceived - before.bytesReceived, bytesSent - before.bytesSent];
      return inBytes === 3000 && outBytes >= 3000;
    });
    expect(requestsIn(stats.totals(0))).toBe(0);
  });
});

describe("a program that encrypts by itself is counted like any other", () => {
  const credential = (name: string): Buffer => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
  const identity = { key: credential("key"), cert: credential("cert") };

  async function encrypting(server: http.Server): Promise<{ stats: RequestStats; port: number }> {
    const connections = new Connections();
    const stats = new RequestStats();
    connections.stats = stats;
    new HttpTracking(connections).trackLayers(server, { isTls: true });
    server.on("request", (_request: http.IncomingMessage, response: http.ServerResponse) => response.end("x"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      connections.destroyAll();
      server.close();
    });
    return { stats, port: (server.address() as net.AddressInfo).port };
  }

  it("with HTTP/1.1, its bytes those below the encryption", async () => {
    const { stats, port } = await encrypting(https.createServer(identity));
    const request = https.get({ port, host: "127.0.0.1", rejectUnauthorized: false, agent: false });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    await once(response.resume(), "close");
    const totals = await until(stats, (now) => requestsIn(now) === 1 && now.bytesSent > 0);
    expect(byStatus(totals)).toMatchObject({ "2xx": 1 });
    // The handshake alone is more than the request and its reply.
    expect(totals.bytesReceived).toBeGreaterThan(200);
    expect(totals.bytesSent).toBeGreaterThan(800);
    expect(stats.inFlight).toBe(0);
  });

  it("with HTTP/2, several requests at once on one connection", async () => {
    const { stats, port } = await encrypting(http2.createSecureServer(identity) as unknown as http.Server);
    const client = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const streams = [1, 2, 3].map(() => client.request({ ":path": "/" }).resume());
    await Promise.all(streams.map((stream) => once(stream, "close")));
    const totals = await until(stats, (now) => requestsIn(now) === 3);
    expect(byStatus(totals)).toMatchObject({ "2xx": 3 });
    expect(totals.accepted).toBe(1);
    expect(stats.inFlight).toBe(0);
    client.close();
    await once(client, "close");
  });
});

describe("what Node refuses is counted by its reason", () => {
  it("when it is malformed or too large", async () => {
    const { stats, connect } = await counting(byPath);
    for (const text of ["nonsense\r\n\r\n", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(5000)}\r\n\r\n`]) {
      const client = connect();
      client.on("error", () => {});
      client.write(text);
      client.resume();
      await once(client, "close");
    }
    expect(stats.totals(0).rejected).toEqual([1, 1, 0, 0, 0]);
  });

  it.each([
    ["ERR_HTTP_REQUEST_TIMEOUT", "too slow"],
    ["HPE_HEADER_OVERFLOW", "head too large"],
    ["HPE_INVALID_METHOD", "malformed"],
    ["ECONNRESET", undefined],
    [undefined, undefined],
  ])("%s: %s", (code, reason) => {
    expect(rejectionOf(code)).toBe(reason);
  });
});

it("nothing is kept of requests when nobody wants to know", async () => {
  const connections = new Connections();
  const server = http.createServer((_request, response) => {
    expect(Object.getOwnPropertySymbols(response).map(String)).not.toContain("Symbol(tsgate.started)");
    response.end("x");
  });
  new HttpTracking(connections).track(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const reply = await fetch(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  expect(await reply.text()).toBe("x");
});
