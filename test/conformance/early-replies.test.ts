/** Replies to uploads that are still on their way: the client gets them whole, however much of the body nobody read. */

import { describe, expect, test } from "vitest";
import { fetchApplication } from "../../src/gateway/fetch/index.ts";
import type { Application, StartResponse } from "../../src/gateway/index.ts";
import { type RawClient, type Response, valueOf, withClients } from "./http-reader.ts";
import { transports } from "./transports.ts";

const UPLOAD = Buffer.alloc(20 << 20);
const WITH_LENGTH = `Content-Length: ${UPLOAD.length}\r\n`;
const IN_CHUNKS = "Transfer-Encoding: chunked\r\n";
const BLOCK = Buffer.alloc(65_536, "x");

const refusal: Application = (_environ, startResponse) => {
  startResponse(413, []);
  return ["too large"];
};

/** The head is sent, and says that the connection stays, before it is known that nobody reads the body. */
const streamed: Application = (_environ, startResponse) => {
  startResponse(413, []);
  return (async function* () {
    yield "too ";
    await new Promise(setImmediate);
    yield "large";
  })();
};

describe.each(transports)("over $name", (transport) => {
  async function serve(application: Application, use: (connect: () => RawClient) => Promise<void>): Promise<void> {
    const server = await transport.start(application);
    try {
      await withClients(server.port, use);
    } finally {
      await server.stop();
    }
  }

  test.each([
    ["a gateway application", refusal, "1.1", WITH_LENGTH],
    ["a fetch handler", fetchApplication(() => new Response("too large", { status: 413 })), "1.1", WITH_LENGTH],
    ["a streamed reply", streamed, "1.1", WITH_LENGTH],
    ["a body in chunks", refusal, "1.1", IN_CHUNKS],
    ["a client that wants the connection closed", refusal, "1.1", `${WITH_LENGTH}Connection: close\r\n`],
    ["HTTP/1.0", refusal, "1.0", WITH_LENGTH],
    ["HTTP/1.0 and a streamed reply", streamed, "1.0", WITH_LENGTH],
    ["a client tired of waiting for 100 Continue", late(refusal), "1.1", `${WITH_LENGTH}Expect: 100-continue\r\n`],
  ])("reach a client that sends all and only then reads: %s", async (_, application, version, headers) => {
    await serve(application, async (connect) => {
      for (let i = 0; i < 10; i++) {
        const client = connect();
        expect(await sendAllThenRead(client, version, headers)).toMatchObject({
          status: 413,
          body: "too large",
          isComplete: true,
        });
        expect(await client.ended()).toBe("");
      }
    });
  });

  test("leave nothing of the upload in memory, and no request behind it is served", async () => {
    let calls = 0;
    const counting: Application = (environ, startResponse) => {
      calls++;
      return refusal(environ, startResponse);
    };
    await serve(counting, async (connect) => {
      const before = process.memoryUsage().arrayBuffers;
      const client = connect();
      client.send(`POST / HTTP/1.1\r\nHost: h\r\n${WITH_LENGTH}\r\n`);
      expect((await client.response())?.status).toBe(413);
      client.send(UPLOAD);
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
      client.socket.end();
      await closed(client);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(UPLOAD.length);
      expect(calls).toBe(1);
    });
  });

  test("do not wait for ever for a client that never stops sending", async () => {
    await serve(refusal, async (connect) => {
      const client = connect();
      client.socket.allowHalfOpen = true;
      client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${Number.MAX_SAFE_INTEGER}\r\n\r\n`);
      const begun = performance.now();
      const whenClosed = closed(client);
      const sending = setInterval(() => client.send(BLOCK), 20);
      try {
        expect((await client.response())?.body).toBe("too large");
        expect(await client.ended()).toBe("");
        expect(performance.now() - begun).toBeLessThan(4000);
        await whenClosed;
      } finally {
        clearInterval(sending);
      }
      // It was cut at five seconds, not at the end of our side.
      expect(performance.now() - begun).toBeGreaterThan(4000);
      expect(performance.now() - begun).toBeLessThan(15_000);
    });
  });

  test("keep the connection when the rest is small, for requests with and without a rest", async () => {
    await serve(refusal, async (connect) => {
      const client = connect();
      for (const size of [65_536, 0, 60_000, 10]) {
        client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
        const response = (await client.response()) as Response;
        expect(response.status).toBe(413);
        expect(valueOf(response.headers, "connection")).not.toBe("close");
        client.send(BLOCK.subarray(0, size));
      }
      client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      expect((await client.response())?.body).toBe("too large");
      expect(await client.ended()).toBe("");
    });
  });
});

async function sendAllThenRead(client: RawClient, version: string, headers: string): Promise<Response | undefined> {
  client.socket.allowHalfOpen = true;
  client.socket.pause();
  client.send(`POST / HTTP/${version}\r\nHost: h\r\n${headers}\r\n`);
  if (headers === IN_CHUNKS) client.send(`${UPLOAD.length.toString(16)}\r\n`);
  // An error tells by itself: the response is not there.
  await new Promise((resolve) => {
    client.socket.write(UPLOAD, resolve);
  });
  client.socket.resume();
  const response = await client.response();
  client.socket.end();
  return response;
}

/** Resolves when the connection is closed both ways, by a reset or not. */
async function closed({ socket }: RawClient): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

/** Answers when some of the body has come unasked. */
function late(application: Application): Application {
  return async (environ, startResponse: StartResponse) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return application(environ, startResponse);
  };
}
