/** A connection that changes to another protocol: when it is handed over, as what, and when it is not. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { RawClient } from "../../conformance/http-reader.ts";
import type { Application } from "../../../src/gateway/index.ts";
import type { ServeOptions, UpgradeRequest } from "../../../src/http/index.ts";
import { recorder, type Seen, withEngine } from "./ask-engine.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const ASKING = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

interface Taken {
  readonly request: UpgradeRequest;
  readonly socket: Socket;
  readonly begun: Buffer;
}

/** Takes upgrades; says 101 and echoes where it `talks`. */
function taker({ talks = true } = {}): { taken: Taken[]; options: ServeOptions } {
  const taken: Taken[] = [];
  const onUpgrade: ServeOptions["onUpgrade"] = (request, socket, begun) => {
    taken.push({ request, socket, begun });
    if (!talks) return;
    socket.on("error", () => {}).write(SWITCHING);
    socket.on("data", (bytes: Buffer) => socket.write(`you said ${bytes.toString("latin1")}`));
    socket.on("end", () => socket.end());
  };
  return { taken, options: { onUpgrade } };
}

/** Answers when it is told to. */
function gated(): { application: Application; answer: () => void; asked: () => number } {
  let answer = (): void => {};
  let asked = 0;
  const gate = new Promise<void>((resolve) => (answer = resolve));
  const application: Application = async (_environ, startResponse) => {
    asked++;
    await gate;
    startResponse(200, []);
    return ["late"];
  };
  return { application, answer: () => answer(), asked: () => asked };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe.each([
  ["TCP", undefined],
  [
    "TLS",
    {
      cert: readFileSync(fixture("cert.pem")),
      key: readFileSync(fixture("key.pem")),
      ca: readFileSync(fixture("cert.pem")),
    },
  ],
])("over %s", (_, tls) => {
  const over = (options: ServeOptions): ServeOptions => ({ ...options, ...(tls === undefined ? {} : { tls }) });
  const clientOf = (port: number): RawClient =>
    new RawClient(
      tls === undefined ? port : connectTls({ port, host: "127.0.0.1", ca: tls.ca, servername: "localhost" }),
    );

  test("it is a stream that nobody has begun to read, and that nobody else listens to", async () => {
    const { taken, options } = taker({ talks: false });
    await withEngine(recorder([]), over(options), async (_, server) => {
      const client = clientOf(server.port);
      client.send(`${ASKING}first`);
      while (taken.length === 0) await turn();
      const [{ request, socket, begun }] = taken as [Taken];
      expect([request.method, request.target, begun.toString()]).toEqual(["GET", "/chat", "first"]);
      expect([socket.readableFlowing, socket.isPaused(), socket.timeout ?? 0]).toEqual([null, false, 0]);
      const own = ["data", "error", "drain", "readable", "timeout"];
      expect(own.map((event) => socket.listenerCount(event))).toEqual([0, tls === undefined ? 0 : 1, 0, 0, 0]);
      // Without a listener what comes is kept.
      client.send("second");
      while (socket.readableLength < 6) await turn();
      const [bytes] = (await once(socket, "data")) as [Buffer];
      expect(bytes.toString()).toBe("second");
      socket.end("bye");
      client.socket.end();
      expect(await client.ended()).toBe("bye");
      while (server.engine.size > 0) await turn();
    });
  });

  test("it waits for its turn behind the replies that are due, with all that comes meanwhile", async () => {
    const { taken, options } = taker();
    const { application, answer, asked } = gated();
    await withEngine(application, over(options), async (_, server) => {
      const client = clientOf(server.port);
      client.send(`${GET}${GET}${ASKING}first,`);
      while (asked() < 2) await turn();
      client.send("second,");
      const large = `${"x".repeat(200_000)}.`;
      client.send(large);
      for (let i = 0; i < 20; i++) await turn();
      expect(taken).toEqual([]);
      answer();
      for (let i = 0; i < 2; i++) expect((await client.response())?.body).toBe("late");
      expect((await client.response())?.status).toBe(101);
      await client.received(".");
      client.socket.end();
      const said = (await client.ended()).replaceAll("you said ", "");
      const [{ begun }] = taken as [Taken];
      expect(begun.toString("latin1") + said === `first,second,${large}`).toBe(true);
      expect(asked()).toBe(2);
    });
  });
});

test("it waits until the client has taken what was sent before", async () => {
  const { taken, options } = taker();
  const body = "x".repeat(20_000_000);
  const application: Application = (_environ, startResponse) => (startResponse(200, []), [body]);
  await withEngine(application, options, async (connect) => {
    const client = connect();
    client.socket.pause();
    client.send(GET);
    client.send(`${ASKING}first`);
    for (let i = 0; i < 50; i++) await turn();
    expect(taken).toEqual([]);
    client.socket.resume();
    expect((await client.response())?.body.length).toBe(body.length);
    expect((await client.response())?.status).toBe(101);
    expect(taken[0]?.begun.toString()).toBe("first");
    client.socket.end();
    await client.ended();
  });
});

test("what comes behind the 101 is never read as HTTP, and no timeout of HTTP's holds", async () => {
  const { options } = taker();
  const seen: Seen[] = [];
  const limits = { keepAliveMs: 50, headersMs: 50, bodyMs: 50, sendMs: 50, responseMs: 50 };
  await withEngine(recorder(seen), { ...options, limits }, async (connect) => {
    const client = connect();
    client.send(ASKING);
    await client.received("101");
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.send(GET);
    await client.received(`you said ${GET}`);
    client.socket.end();
    await client.ended();
  });
  expect(seen).toEqual([]);
});

test.each([
  ["with a body of a length", ASKING.replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody"), 200],
  [
    "with a body in chunks",
    ASKING.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
    200,
  ],
  ["on HTTP/1.0", ASKING.replace("1.1", "1.0"), 200],
  ["for an https target on a plain connection", ASKING.replace("/chat", "https://h/chat"), 421],
  ["without Host", ASKING.replace("Host: h\r\n", ""), 400],
])("one %s is no upgrade, and is the last request of its connection", async (_, text, status) => {
  const { taken, options } = taker();
  const seen: Seen[] = [];
  await withEngine(recorder(seen), options, async (connect) => {
    const client = connect();
    client.send(text + GET);
    expect((await client.response())?.status).toBe(status);
    expect(await client.ended()).toBe("");
  });
  expect(taken).toEqual([]);
  expect(seen.map(({ body }) => body)).toEqual(status === 200 ? [text.includes("body") ? "body" : ""] : []);
});

test.each([
  ["when the reply before it ends the connection", GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), false],
  ["when its client has gone before its turn", GET, true],
])("it is not handed over %s", async (_, before, leaves) => {
  const { taken, options } = taker();
  const { application, answer, asked } = gated();
  await withEngine(application, options, async (connect, server) => {
    const client = connect();
    client.send(`${before}${ASKING}`);
    while (asked() < 1) await turn();
    if (leaves) {
      client.socket.resetAndDestroy();
      while (server.engine.size > 0) await turn();
    }
    answer();
    await client.ended();
    while (server.engine.size > 0) await turn();
  });
  expect(taken).toEqual([]);
});

test("the end of the server waits for it, or closes it at once", async () => {
  for (const how of ["close", "destroy"] as const) {
    const { taken, options } = taker();
    await withEngine(recorder([]), options, async (connect, server) => {
      const client = connect();
      client.send(ASKING);
      await client.received("101");
      let hasEnded = false;
      const ended = server[how]().then(() => (hasEnded = true));
      if (how === "close") {
        client.send("still there");
        await client.received("you said still there");
        expect(hasEnded).toBe(false);
        client.socket.end();
      }
      await ended;
      await client.ended();
      expect(taken[0]?.socket.destroyed).toBe(true);
    });
  }
});

function fixture(name: string): URL {
  return new URL(`../../fixtures/tls/${name}`, import.meta.url);
}
