/** A connection of the engine as a worker sees it: what it waits for at a look, and how it ends when that takes too long. */

import { once } from "node:events";
import net from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Application } from "../../../src/gateway/index.ts";
import { Engine } from "../../../src/http/engine.ts";
import type { ClientTimeout, Look } from "../../../src/worker/client-timeouts.ts";
import { EngineConnection } from "../../../src/worker/engine-connection.ts";
import { listRequests } from "../../../src/worker/requests-in-flight.ts";

const GET = "GET /path?query HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
const NO_LIMITS = { keepAliveMs: 0, headersMs: 0, bodyMs: 0, sendMs: 0, responseMs: 0 };

let connection: EngineConnection;
let client: net.Socket;
let received = "";
let answer: () => void;
let called: Promise<void>;

const application: Application = async (environ, startResponse) => {
  const answered = new Promise<void>((resolve) => (answer = resolve));
  tellCalled();
  await environ["gateway.input"].read();
  await answered;
  startResponse(200, []);
  return (async function* () {
    yield "begun";
    await new Promise((resolve) => (answer = () => resolve(undefined)));
  })();
};
let tellCalled: () => void;

beforeEach(async () => {
  received = "";
  called = new Promise((resolve) => (tellCalled = resolve));
  const engine = new Engine(application, { limits: NO_LIMITS, onError: () => {} });
  const server = net.createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[net.Socket]>;
  client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1").setEncoding("latin1");
  client.on("data", (text: string) => (received += text)).on("error", () => {});
  const [socket] = await accepted;
  const origin = {
    server,
    openedAt: 0,
    isMoved: false,
    introduction: undefined,
    limits: undefined,
    meter: undefined,
    idleSince: 0,
  };
  connection = new EngineConnection(socket, origin, engine, { cut() {} });
  connection.serve();
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
});

const look = (): Look["waitsFor"] => {
  const seen: Look = { waitsFor: "nothing", of: undefined, bytesRead: 0, hasUnsent: false, bytesTaken: 0 };
  connection.lookAt(seen);
  return seen.waitsFor;
};

/** Sends, and resolves when the engine has read it. */
async function send(text: string): Promise<void> {
  const before = connection.socket.bytesRead;
  client.write(text);
  while (connection.socket.bytesRead < before + text.length) await new Promise(setImmediate);
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe("waits", () => {
  test("for a head, from its beginning and at each further one", async () => {
    expect([look(), connection.isIdle, connection.isAtRest]).toEqual(["head", true, false]);
    await send("GET / HT");
    expect([look(), connection.isIdle, connection.isAtRest]).toEqual(["head", false, false]);
  });

  test("for a body that its application can take, then for the reply, then for nothing", async () => {
    await send(POST);
    await called;
    expect(look()).toBe("body");
    await send("hello");
    await until(() => look() === "reply");
    answer();
    await until(() => look() === "nothing");
    expect([connection.isIdle, connection.isAtRest]).toEqual([false, false]);
    await until(() => received.includes("begun"));
    answer();
    await until(() => connection.isIdle && connection.isAtRest);
    expect(look()).toBe("nothing");
  });
});

test("names what is in flight, without its query, and knows when that began", async () => {
  await send(GET);
  await called;
  expect(connection.current()?.name()).toEqual({ method: "GET", target: "/path?query", requestId: "mine" });
  expect(listRequests([connection], 5)).toMatchObject({
    inFlight: 1,
    requests: [{ method: "GET", path: "/path", requestId: "mine" }],
  });
});

test.each<[timeout: ClientTimeout, sent: string, got: RegExp]>([
  ["headers", "GET / HTTP/1.1\r\nHo", /^HTTP\/1\.1 408 [^]*Connection: close\r\n/],
  ["body", `${POST}he`, /^HTTP\/1\.1 408 [^]*Connection: close\r\n/],
  ["response", GET, /^HTTP\/1\.1 504 [^]*Connection: close\r\n/],
  ["headers", "", /^$/],
  ["send", GET, /^$/],
])("is cut at the %s timeout after %j, and says why where it can", async (timeout, sent, got) => {
  if (sent !== "") await send(sent);
  const closed = new Promise((resolve) => client.once("close", resolve));
  expect(connection.cut(timeout)).toBe(true);
  client.once("end", () => client.end());
  await closed;
  expect(received).toMatch(got);
});

test("is served once more when a request has come that nobody has read, and not cut", async () => {
  connection.socket.pause();
  await new Promise((resolve) => client.write(GET, resolve));
  expect(connection.cut("headers")).toBe(false);
  expect(connection.underway()).toHaveLength(1);
  expect(connection.socket.destroyed).toBe(false);
});

test("is nobody's to read while it is offered to another worker", async () => {
  connection.isOffered = true;
  expect(connection.isIdle).toBe(false);
  connection.isOffered = false;
  expect(connection.isIdle).toBe(true);
});
