/** The server that embeds the engine: its addresses, TLS, other protocols, its end. */

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Application, Environ } from "../../../src/gateway/index.ts";
import { serve } from "../../../src/http/index.ts";
import { RawClient } from "../../conformance/http-reader.ts";
import { recorder, type Seen, withEngine } from "./ask-engine.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const certificate = readFileSync(new URL("../../fixtures/tls/cert.pem", import.meta.url));
const key = readFileSync(new URL("../../fixtures/tls/key.pem", import.meta.url));

test("speaks TLS: uploads, replies and the next request on the connection", async () => {
  const seen: Seen[] = [];
  const server = await serve(recorder(seen), { tls: { cert: certificate, key } });
  try {
    expect(server.address).toBe(`https://127.0.0.1:${server.port}`);
    for (const size of [3_000_000, 5]) {
      const request = httpsRequest({ port: server.port, host: "127.0.0.1", method: "POST", rejectUnauthorized: false });
      request.end(Buffer.alloc(size, "x"));
      const [response] = await once(request, "response");
      expect(await text(response)).toBe(String(size));
    }
    expect(seen[0]?.environ["gateway.url_scheme"]).toBe("https");
  } finally {
    await server.destroy();
  }
});

for (const end of ["close", "destroy"] as const) {
  test(`${end} ends connections on which TLS has not begun, and those that have`, async () => {
    const server = await serve(recorder([]), { tls: { cert: certificate, key } });
    const request = httpsRequest({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false, agent: false });
    request.end();
    const [response] = await once(request, "response");
    expect(await text(response)).toBe("0");
    const accepted = once(server.server, "connection");
    const silent = connect(server.port, "127.0.0.1").on("error", () => {});
    await accepted;
    const gone = once(silent, "close");
    await server[end]();
    await gone;
  });
}

test("close lets requests on TLS be answered", async () => {
  const { application, begun, answer } = waiting("late");
  const server = await serve(application, { tls: { cert: certificate, key } });
  const request = httpsRequest({
    port: server.port,
    host: "127.0.0.1",
    path: "/slow",
    rejectUnauthorized: false,
    agent: false,
  });
  request.end();
  await begun;
  const closed = server.close();
  answer();
  const [response] = await once(request, "response");
  expect(await text(response)).toBe("late");
  await closed;
});

test("a TLS handshake that takes longer than a head may is cut", async () => {
  const server = await serve(recorder([]), { tls: { cert: certificate, key }, limits: { headersMs: 50 } });
  try {
    const silent = connect(server.port, "127.0.0.1").on("error", () => {});
    await once(silent, "close");
  } finally {
    await server.destroy();
  }
});

test("listens on a unix socket", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tsgate-engine-"));
  const path = join(directory, "socket");
  const seen: Seen[] = [];
  const server = await serve(recorder(seen), { path });
  try {
    const request = httpRequest({ socketPath: path, headers: { host: "example.org:81" } }).end();
    const [response] = await once(request, "response");
    expect(await text(response)).toBe("0");
    expect(seen[0]?.environ).toMatchObject({ SERVER_NAME: "example.org", SERVER_PORT: "80" });
    expect(seen[0]?.environ).not.toHaveProperty("REMOTE_ADDR");
  } finally {
    await server.destroy();
    rmSync(directory, { recursive: true });
  }
});

test("an address that is taken is an error of serve", async () => {
  await withEngine(recorder([]), {}, async (_, { port }) => {
    await expect(serve(recorder([]), { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

test("closes when what is in flight is answered, idle connections at once", async () => {
  const { application, begun, answer } = waiting("x");
  const server = await serve(application);
  const [idle, busy] = [new RawClient(server.port), new RawClient(server.port)];
  idle.send(GET);
  expect((await idle.response())?.status).toBe(200);
  busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  await begun;
  const closed = server.close();
  expect(await idle.ended()).toBe("");
  answer();
  const response = await busy.response();
  expect([response?.status, response?.headers]).toEqual([200, expect.arrayContaining([["connection", "close"]])]);
  await closed;
});

test("closes behind the last of several requests that have come, whole or in part", async () => {
  const application: Application = (environ, startResponse) => {
    startResponse(200, []);
    return [environ.PATH_INFO];
  };
  const server = await serve(application);
  const client = new RawClient(server.port);
  client.send(GET);
  await client.response();
  const [whole, begun] = [client, new RawClient(server.port)];
  begun.send("GET /begun HTTP/1.1\r\nHo");
  while (begun.socket.bytesWritten === 0 || server.engine.size < 2) await new Promise(setImmediate);
  whole.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHo");
  server.engine.isDraining = true;
  const answers = [await whole.response(), await whole.response()];
  whole.send("st: h\r\n\r\n");
  answers.push(await whole.response());
  begun.send("st: h\r\n\r\n");
  answers.push(await begun.response());
  const isClosing = answers.map((answer) => answer?.headers.some(([name]) => name === "connection"));
  expect(answers.map((answer) => answer?.body)).toEqual(["/1", "/2", "/3", "/begun"]);
  expect(isClosing).toEqual([false, false, true, true]);
  await server.close();
});

test("closes when a client has taken all of its reply, however slowly", async () => {
  const reply = Buffer.alloc(20_000_000, "x");
  let tell!: () => void;
  const answered = new Promise<void>((resolve) => (tell = resolve));
  const server = await serve((_environ, startResponse) => {
    startResponse(200, []);
    setImmediate(tell);
    return [reply];
  });
  const client = new RawClient(server.port);
  client.socket.pause();
  client.send(GET);
  await answered;
  const closed = server.close();
  client.socket.resume();
  expect((await client.response())?.body.length).toBe(reply.length);
  expect(await client.ended()).toBe("");
  await closed;
});

test("closes behind replies whose heads said before that the connection stays", async () => {
  let answer!: () => void;
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const calls: string[] = [];
  const server = await serve(async (environ, startResponse) => {
    calls.push(environ.PATH_INFO);
    if (environ.PATH_INFO === "/slow") await gate;
    startResponse(200, []);
    return [environ.PATH_INFO];
  });
  const client = new RawClient(server.port);
  client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
  while (calls.length < 2) await new Promise(setImmediate);
  await new Promise(setImmediate);
  const closed = server.close();
  answer();
  expect((await client.response())?.body).toBe("/slow");
  expect((await client.response())?.body).toBe("/quick");
  expect(await client.ended()).toBe("");
  await closed;
});

test("hands over a connection that changes to another protocol, with what has come behind the head", async () => {
  const heads: string[] = [];
  const options = {
    onUpgrade: (
      request: { target: string; headers: readonly string[] },
      socket: import("node:net").Socket,
      begun: Buffer,
    ) => {
      heads.push(request.target, ...request.headers, begun.toString());
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      socket.on("data", (bytes: Buffer) => socket.write(`you said ${bytes.toString()}`));
    },
  };
  await withEngine(recorder([]), options, async (_, { port }) => {
    const client = connect(port, "127.0.0.1").setEncoding("latin1");
    let received = "";
    client.on("data", (bytes: string) => (received += bytes));
    client.write("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\nfirst");
    while (!received.includes("\r\n\r\n")) await once(client, "data");
    client.write("second");
    while (!received.includes("you said second")) await once(client, "data");
    client.destroy();
  });
  expect(heads).toEqual(["/chat", "Host", "h", "Connection", "keep-alive, Upgrade", "Upgrade", "x", "first"]);
});

test("an upgrade that nobody takes is an ordinary request, and the last: what follows may be of the other protocol", async () => {
  await withEngine(recorder([]), {}, async (connectRaw) => {
    const client = connectRaw();
    client.send(GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n") + GET);
    const response = await client.response();
    expect([response?.status, response?.headers]).toEqual([200, expect.arrayContaining([["connection", "close"]])]);
    expect(await client.ended()).toBe("");
  });
});

test("a client that has ended its side gets its reply where that is asked for", async () => {
  const application: Application = async (_, startResponse) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    startResponse(200, []);
    return ["late"];
  };
  await withEngine(application, { servesHalfClosed: true }, async (connectRaw) => {
    const client = connectRaw();
    client.socket.allowHalfOpen = true;
    client.send(GET);
    client.socket.end();
    expect(await client.response()).toMatchObject({ status: 200, body: "late" });
    expect(await client.ended()).toBe("");
  });
});

test("an upload that is sent back stays out of memory", { timeout: 120_000 }, async () => {
  const echo: Application = (environ, startResponse) => {
    startResponse(200, []);
    return environ["gateway.input"];
  };
  await withEngine(echo, {}, async (_, { port }) => {
    const client = connect(port, "127.0.0.1");
    const size = 256 << 20;
    const block = Buffer.alloc(1 << 20);
    const collect = collector();
    let most = 0;
    const received = { bytes: 0 };
    const before = process.memoryUsage().arrayBuffers;
    client.on("data", (bytes: Buffer) => {
      received.bytes += bytes.length;
      if (most >= MOST_HELD) return;
      // Garbage is not held: where there is much, it is collected before it counts.
      if (process.memoryUsage().arrayBuffers - before > MOST_HELD / 2) collect();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    });
    client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += block.length) {
      if (!client.write(block)) await once(client, "drain");
    }
    while (received.bytes < size) await once(client, "data");
    client.destroy();
    // All of it would be 256 MB.
    expect(most).toBeLessThan(MOST_HELD);
  });
});

const MOST_HELD = 128e6;

/** V8's own collection, which is there only with a flag; twice, because what it frees may be freed later. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return () => {
    collect();
    collect();
  };
}

test("two spellings of a header are one, joined", async () => {
  const seen: Environ[] = [];
  const application: Application = (environ, startResponse) => {
    seen.push(environ);
    startResponse(200, []);
    return [];
  };
  await withEngine(application, {}, async (connectRaw) => {
    const client = connectRaw();
    for (let i = 0; i < 2; i++) {
      client.send("GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nCookie: a\r\ncookie: b\r\n\r\n");
      expect((await client.response())?.status).toBe(200);
    }
    for (const environ of seen) expect(environ).toMatchObject({ HTTP_X_A: "1, 2", HTTP_COOKIE: "a; b" });
  });
});

/** Answers with `reply`; a request for /slow, which resolves `begun`, only when `answer` has been called. */
function waiting(reply: string): { application: Application; begun: Promise<void>; answer: () => void } {
  let answer!: () => void;
  let called!: () => void;
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const begun = new Promise<void>((resolve) => (called = resolve));
  const application: Application = async (environ, startResponse) => {
    if (environ.PATH_INFO === "/slow") {
      called();
      await gate;
    }
    startResponse(200, []);
    return [reply];
  };
  return { application, begun, answer };
}
