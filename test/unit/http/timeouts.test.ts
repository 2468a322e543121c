/** Clients that keep the server waiting: never cut before their time, and cut with the right answer after it. */

import { expect, test } from "vitest";
import type { Application } from "../../../src/gateway/index.ts";
import type { RawClient } from "../../conformance/http-reader.ts";
import { recorder, withEngine } from "./ask-engine.ts";

const LIMIT_MS = 300;
/** Long enough for a process that stands still between two requests. */
const KEPT_MS = 2000;
const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/** How long it takes until the server closes, in milliseconds, and what has come until then. */
async function untilEnd(client: RawClient, begun: number): Promise<{ ms: number; text: string }> {
  const text = await client.ended();
  return { ms: performance.now() - begun, text };
}

test.each([
  ["nothing", "", { headersMs: LIMIT_MS }, /^$/],
  ["half a head", "GET / HTTP/1.1\r\nHo", { headersMs: LIMIT_MS }, /^HTTP\/1\.1 408 /],
  [
    "half a body",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
    { bodyMs: LIMIT_MS },
    /^HTTP\/1\.1 408 /,
  ],
  [
    "half a body in chunks",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    { bodyMs: LIMIT_MS },
    /^HTTP\/1\.1 408 /,
  ],
])("a client that sends %s is let go", async (_, text, limits, answer) => {
  await withEngine(recorder([]), { limits }, async (connect) => {
    const begun = performance.now();
    const client = connect();
    client.send(text);
    const end = await untilEnd(client, begun);
    expect(end.text).toMatch(answer);
    expect(end.ms).toBeGreaterThanOrEqual(LIMIT_MS);
  });
});

test("an idle connection is kept for its time, and closed without a word", async () => {
  await withEngine(recorder([]), { limits: { keepAliveMs: KEPT_MS } }, async (connect) => {
    const client = connect();
    client.send(GET);
    expect((await client.response())?.status).toBe(200);
    const begun = performance.now();
    client.send(GET);
    expect((await client.response())?.status).toBe(200);
    const end = await untilEnd(client, begun);
    expect(end.text).toBe("");
    expect(end.ms).toBeGreaterThanOrEqual(KEPT_MS);
  });
});

test("a head that drips is cut when its time is up, however lively it drips", async () => {
  await withEngine(recorder([]), { limits: { headersMs: LIMIT_MS } }, async (connect) => {
    const client = connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n");
    const dripping = setInterval(() => client.send("A: b\r\n"), 20);
    try {
      expect((await client.response())?.status).toBe(408);
    } finally {
      clearInterval(dripping);
    }
  });
});

test("a body that drips below its least rate counts as silent", async () => {
  await withEngine(recorder([]), { limits: { bodyMs: LIMIT_MS } }, async (connect) => {
    const client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    const dripping = setInterval(() => client.send("x"), 50);
    try {
      expect((await client.response())?.status).toBe(408);
    } finally {
      clearInterval(dripping);
    }
  });
});

test("a body that nobody waits for is not held against the client", async () => {
  const application: Application = async (environ, startResponse) => {
    await new Promise((resolve) => setTimeout(resolve, 3 * LIMIT_MS));
    const body = await environ["gateway.input"].read();
    startResponse(200, []);
    return [String(body.length)];
  };
  await withEngine(application, { limits: { bodyMs: LIMIT_MS } }, async (connect) => {
    const client = connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
    setTimeout(() => client.send("c"), 3 * LIMIT_MS);
    expect((await client.response())?.body).toBe("3");
  });
});

test("an application that does not begin to answer in time is answered for: 504, and its signal aborts", async () => {
  const aborted: unknown[] = [];
  const application: Application = async (environ, startResponse) => {
    await new Promise((resolve) => environ["gateway.signal"].addEventListener("abort", resolve));
    aborted.push(environ["gateway.signal"].reason);
    startResponse(200, []);
    return ["late"];
  };
  await withEngine(application, { limits: { responseMs: LIMIT_MS } }, async (connect) => {
    const client = connect();
    const begun = performance.now();
    client.send(GET);
    expect((await client.response())?.status).toBe(504);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(LIMIT_MS);
    expect(await client.ended()).toBe("");
    expect(aborted.length).toBe(1);
  });
});

test("a client that takes nothing of a reply is cut off", async () => {
  const application: Application = (_, startResponse) => {
    startResponse(200, []);
    return (function* () {
      for (;;) yield Buffer.alloc(65_536);
    })();
  };
  await withEngine(application, { limits: { sendMs: LIMIT_MS } }, async (connect, server) => {
    const client = connect();
    client.socket.pause();
    client.send(GET);
    while (server.engine.size === 0) await new Promise(setImmediate);
    while (server.engine.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
