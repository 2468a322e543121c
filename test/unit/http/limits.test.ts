/** Limits are exact: what is as large as they say is served, a byte or a piece more is refused. */

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import type { Application } from "../../../src/gateway/index.ts";
import type { BadRequest } from "../../../src/http/index.ts";
import { RawClient } from "../../conformance/http-reader.ts";
import { recorder, type Seen, withEngine } from "./ask-engine.ts";

const line = (length: number) => `GET /${"x".repeat(length - "GET / HTTP/1.1".length)} HTTP/1.1\r\nHost: h\r\n\r\n`;
const fields = (count: number) => `GET / HTTP/1.1\r\nHost: h\r\n${"A: b\r\n".repeat(count - 1)}\r\n`;
const field = (size: number) => `GET / HTTP/1.1\r\nHost: h\r\nA: ${"b".repeat(size - 3)}\r\n\r\n`;
const body = (size: number) => `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`;
const chunks = (size: number) =>
  `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(size)}0\r\n\r\n`;

const LIMITS = { requestLine: 100, requestFields: 10, requestFieldSize: 50, requestBody: 1000 };

test.each([
  ["request line", line, 100, 414],
  ["number of headers", fields, 10, 431],
  ["size of a header", field, 50, 431],
  ["size of a body", body, 1000, 413],
  ["size of a body in chunks", chunks, 1000, 413],
] as const)("%s", async (_, make, limit, status) => {
  for (const split of [false, true]) {
    const seen: Seen[] = [];
    await withEngine(recorder(seen), { limits: LIMITS }, async (connect) => {
      const client = connect();
      await send(client, make(limit), split);
      expect((await client.response())?.status).toBe(200);
      await send(client, make(limit + 1), split);
      expect((await client.response())?.status).toBe(status);
      expect(await client.ended()).toBe("");
      expect(seen.length).toBe(1);
    });
  }
});

test.each([
  ["a request line", "GET /", "x", 414],
  ["a header", "GET / HTTP/1.1\r\nHost: h\r\nA: ", "x", 431],
  ["a name", "GET / HTTP/1.1\r\nHost: h\r\n", "x", 431],
  ["headers", "GET / HTTP/1.1\r\nHost: h\r\n", "A: b\r\n", 431],
])("%s without end is refused before it ends", async (_, begin, more, status) => {
  await withEngine(recorder([]), {}, async (connect) => {
    const client = connect();
    client.send(begin);
    for (let i = 0; i < 40; i++) client.send(more.repeat(300));
    expect((await client.response())?.status).toBe(status);
  });
});

test.each([0, 5000])("%d as the number of headers is no thousand", async (requestFields) => {
  const seen: Seen[] = [];
  await withEngine(recorder(seen), { limits: { requestFields } }, async (connect) => {
    for (const split of [false, true]) {
      const client = connect();
      await send(client, fields(5000), split);
      expect((await client.response())?.status).toBe(200);
    }
    const client = connect();
    client.send(`GET / HTTP/1.1\r\nHost: h\r\n${"a:\r\n".repeat(16_400)}\r\n`);
    expect((await client.response())?.status).toBe(431);
    expect(seen.length).toBe(2);
  });
});

test("a body larger than the limit is refused before the client is told to send it", async () => {
  const seen: Seen[] = [];
  await withEngine(recorder(seen), { limits: LIMITS }, async (connect) => {
    const client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    expect((await client.response())?.status).toBe(413);
    expect(await client.ended()).toBe("");
    expect(seen).toEqual([]);
  });
});

test("a body that is cut off at its limit and ends in the same read makes no request of whoever asked last", async () => {
  const calls: string[] = [];
  const application: Application = async (environ, startResponse) => {
    calls.push(environ.PATH_INFO);
    await environ["gateway.input"].read();
    startResponse(200, []);
    return ["x"];
  };
  await withEngine(application, { limits: LIMITS }, async (connect) => {
    const [client, other] = [connect(), connect()];
    client.send("POST /cut HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n");
    while (calls.length === 0) await new Promise(setImmediate);
    other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    expect((await other.response())?.status).toBe(200);
    client.send(`${"x".repeat(1024)}\r\n0\r\n\r\n`);
    expect((await client.response())?.status).toBe(413);
    client.socket.end();
    expect(await client.ended()).toBe("");
    expect(calls).toEqual(["/cut", "/other"]);
  });
});

test("requests beyond the limit of concurrency are answered 503 at once, the others later", async () => {
  const gate = withGate();
  await withEngine(gate.application, { limits: { concurrency: 2 } }, async (connect) => {
    const [first, second, third] = [connect(), connect(), connect()];
    first?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    second?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await gate.called(2);
    third?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const refused = await third?.response();
    expect(refused?.status).toBe(503);
    expect(refused?.headers.map(([name]) => name)).toContain("retry-after");
    gate.open();
    third?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect((await third?.response())?.status).toBe(200);
    expect([(await first?.response())?.status, (await second?.response())?.status]).toEqual([200, 200]);
  });
});

test("of pipelined requests no more are in progress than the limit, and all are answered in order", async () => {
  let inProgress = 0;
  let most = 0;
  await withEngine(
    async (environ, startResponse) => {
      most = Math.max(most, ++inProgress);
      await new Promise(setImmediate);
      inProgress--;
      startResponse(200, []);
      return [environ.PATH_INFO];
    },
    { limits: { pipelined: 5 } },
    async (connect) => {
      const client = connect();
      const paths = Array.from({ length: 3000 }, (_, i) => `/${i}`);
      client.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(""));
      for (const path of paths) expect((await client.response())?.body).toBe(path);
      expect(most).toBe(5);
    },
  );
});

test.each([
  ["plain", undefined],
  ["encrypted", { cert: fixture("cert.pem"), key: fixture("key.pem") }],
])("requests of a client that takes no replies wait unread, and are all answered when it does (%s)", async (_, tls) => {
  const reply = "x".repeat(65_536);
  const count = 1000;
  let calls = 0;
  const application: Application = (environ, startResponse) => {
    if (environ.PATH_INFO !== "/tick") calls++;
    startResponse(200, [["X-Call", String(calls)]]);
    return [environ.PATH_INFO === "/tick" ? "" : reply];
  };
  const options = tls === undefined ? {} : { tls };
  await withEngine(application, options, async (_connect, { port }) => {
    const target = { port, host: "127.0.0.1", rejectUnauthorized: false };
    const [client, clock] = [0, 1].map(() => new RawClient(tls === undefined ? connect(target) : connectTls(target)));
    if (client === undefined || clock === undefined) return;
    client.socket.pause();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(count));
    for (let last = -1, same = 0; same < 50; same++, last = calls) {
      clock.send("GET /tick HTTP/1.1\r\nHost: h\r\n\r\n");
      await clock.response();
      if (calls !== last || calls === 0) same = 0;
    }
    // What the kernel takes on both sides of a loopback connection is well under this.
    expect(calls * reply.length).toBeLessThan(32 << 20);
    client.socket.resume();
    for (let i = 1; i <= count; i++) {
      const response = await client.response();
      expect([response?.headers[0], response?.body.length]).toEqual([["x-call", String(i)], reply.length]);
    }
    client.close();
    clock.close();
  });
});

test("ten bad requests a minute are told, and later how many there were", async () => {
  const told: BadRequest[] = [];
  await withEngine(recorder([]), { onBadRequest: (request) => told.push(request) }, async (connect) => {
    for (let i = 0; i < 15; i++) {
      const client = connect();
      client.send("GET / HTTP/1.1\r\n\r\n");
      expect((await client.response())?.status).toBe(400);
    }
  });
  expect(told.length).toBe(10);
  expect(told[0]).toEqual({
    status: 400,
    reason: "the request has no Host header, or more than one",
    remoteAddress: "127.0.0.1",
    leftOut: 0,
  });
});

test("what the gateway refuses is told like what the engine does", async () => {
  const told: BadRequest[] = [];
  await withEngine(recorder([]), { onBadRequest: (request) => told.push(request) }, async (connect) => {
    const client = connect();
    client.send("GET * HTTP/1.1\r\nHost: h\r\n\r\n");
    expect((await client.response())?.status).toBe(400);
  });
  expect(told.map(({ reason }) => reason)).toEqual(["the request target has no form that a server accepts"]);
});

async function send(client: RawClient, text: string, isSplit: boolean): Promise<void> {
  if (!isSplit) return client.send(text);
  for (let i = 0; i < text.length; i += 37) {
    client.send(text.slice(i, i + 37));
    await new Promise(setImmediate);
  }
}

/** An application that answers when it is told to. */
function withGate() {
  const calls = { count: 0 };
  let open!: () => void;
  let wake = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    open,
    async called(count: number): Promise<void> {
      while (calls.count < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    application: async (_: unknown, startResponse: (status: number, headers: []) => void) => {
      calls.count++;
      wake();
      await opened;
      startResponse(200, []);
      return ["x"];
    },
  };
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
}
