/** What Node does not document of sockets, tried on the Node that runs the tests. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, test } from "vitest";
import * as all from "../../src/node-sockets.ts";
import {
  hasPlainHandle,
  readAsStream,
  readInto,
  readOrClose,
  transportOf,
  writePastStream,
  type Written,
  writtenBytes,
} from "../../src/node-sockets.ts";
import { connected } from "../support/connected-sockets.ts";

describe("what is known of sockets", () => {
  it("are each tried here", () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), "utf8");
    expect(Object.keys(all).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
  });

  it("read what lies unread past the event loop, or close the socket in the same moment", async () => {
    const { accepted, client } = await connected();
    // On loopback it is in the other end's queue as soon as it is written.
    await new Promise((written) => client.write("unread", written));
    expect(readOrClose(accepted)?.toString()).toBe("unread");
    expect(accepted.destroyed).toBe(false);
    const closed = once(accepted, "close");
    expect(readOrClose(accepted)).toBeUndefined();
    expect(accepted.destroyed).toBe(true);
    await closed;
    await once(client, "close");
  });

  it("close a socket whose other end has closed", async () => {
    const { accepted, client } = await connected();
    await new Promise<void>((ended) => client.end(ended));
    expect(readOrClose(accepted)).toBeUndefined();
    await once(accepted, "close");
  });

  it("tell how much of what was written the kernel has taken", async () => {
    const { accepted, client } = await connected();
    client.pause();
    expect(writtenBytes(accepted)).toEqual({ taken: 0, waiting: 0 });
    const bytes = 50_000_000;
    accepted.write(Buffer.alloc(bytes));
    const { taken, waiting } = writtenBytes(accepted);
    expect([taken > 0, waiting > 0, taken + waiting]).toEqual([true, true, bytes]);
    client.resume();
    while (writtenBytes(accepted).waiting > 0) await once(client, "data");
    expect(writtenBytes(accepted)).toEqual({ taken: bytes, waiting: 0 });
    accepted.destroy();
    expect(writtenBytes(accepted)).toEqual({ taken: 0, waiting: 0 });
  });

  it("tell the plain socket below an encrypted one", async () => {
    const [key, cert] = ["key", "cert"].map((name) =>
      readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url)),
    );
    const server = tls.createServer({ key, cert }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const [plain, encrypted] = [once(server, "connection"), once(server, "secureConnection")];
    const client = tls.connect({ port: (server.address() as net.AddressInfo).port, ca: cert, servername: "localhost" });
    onTestFinished(() => void client.destroy());
    expect(transportOf(((await encrypted) as [tls.TLSSocket])[0])).toBe((await plain)[0]);
  });
});

describe("a socket that reads into a buffer of ours", () => {
  it("tells how much has come, pauses and goes on, and is a stream again when asked", async () => {
    const buffer = Buffer.alloc(65_536);
    const seen: string[] = [];
    let wake = (): void => {};
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const isReading = readInto(socket, buffer, function (bytes) {
        seen.push(buffer.toString("latin1", 0, bytes));
        this.pause();
        wake();
      });
      expect(isReading).toBe(true);
      socket.on("end", () => socket.end("bye"));
      accepted.resolve(socket);
    });
    const accepted = withResolvers<net.Socket>();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    const reply: Buffer[] = [];
    client.on("data", (bytes) => reply.push(bytes));
    const socket = await accepted.promise;
    const until = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    client.write("one");
    await until(1);
    client.write("two");
    socket.resume();
    await until(2);
    readAsStream(socket, buffer);
    socket.on("data", (bytes: Buffer) => {
      seen.push(`as a stream: ${bytes.toString("latin1")}`);
      wake();
    });
    client.end("three");
    socket.resume();
    await until(3);
    await once(client, "close");
    expect(seen).toEqual(["one", "two", "as a stream: three"]);
    expect(Buffer.concat(reply).toString()).toBe("bye");
  });
});

test.each([
  ["reads into a buffer", true],
  ["has a listener", false],
])("a socket that %s is handed on unread, also when it was paused", async (_, isRead) => {
  const buffer = Buffer.alloc(65_536);
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const first = (): void => {
      socket.pause();
      handedOn.resolve(socket);
    };
    if (isRead) readInto(socket, buffer, first);
    else socket.once("data", first);
  });
  const handedOn = withResolvers<net.Socket>();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  onTestFinished(() => void client.destroy());
  client.write("head");
  const socket = await handedOn.promise;
  readAsStream(socket, buffer);
  expect([socket.readableFlowing, socket.isPaused()]).toEqual([null, false]);
  const large = "x".repeat(1_000_000);
  client.end(large);
  // It reads by itself what it may hold, and no more.
  while (socket.readableLength < socket.readableHighWaterMark) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(socket.readableLength).toBeLessThan(large.length);
  let received = "";
  for await (const chunk of socket.setEncoding("latin1")) received += String(chunk);
  expect(received === large).toBe(true);
});

describe("a write past the stream", () => {
  it("sends at once what the kernel takes, tells when the rest is sent, and keeps the order with the stream", async () => {
    const { accepted, client } = await connected();
    client.setEncoding("latin1");
    expect(hasPlainHandle(accepted)).toBe(true);
    // The process learns from a write of Node's own how this version writes.
    expect(writePastStream(accepted, "never")).toBe("not now");
    accepted.write("one,", "latin1");
    await once(client, "data");
    expect(writePastStream(accepted, "two\xe9,")).toBe("sent");
    expect(accepted.bytesWritten).toBe(9);
    expect(await once(client, "data")).toEqual(["two\xe9,"]);
    client.pause();
    const large = "x".repeat(1_000_000);
    let sent = 0;
    const drained = once(accepted, "drain");
    for (let outcome: Written = "sent"; outcome === "sent"; sent += large.length)
      outcome = writePastStream(accepted, large);
    accepted.write("three", "latin1");
    let received = "";
    client.on("data", (text: string) => (received += text));
    client.resume();
    await drained;
    while (received.length < sent + 5) await once(client, "data");
    expect(received.slice(-6)).toBe("xthree");
    expect(writePastStream(accepted, "four")).toBe("sent");
    expect(await once(client, "data")).toEqual(["four"]);
    accepted.destroy();
    expect(writePastStream(accepted, "five")).toBe("not now");
  });

  it("destroys the socket when it fails", async () => {
    const { accepted, client } = await connected();
    accepted.on("error", () => {});
    const closed = new Promise((resolve) => accepted.once("close", resolve));
    client.resetAndDestroy();
    await once(client, "close");
    let outcome: Written = "sent";
    // What the other end has done may not be known here at once.
    while (!accepted.destroyed) {
      outcome = writePastStream(accepted, "x");
      if (outcome === "not now") accepted.write("x", "latin1");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(writePastStream(accepted, "x")).toBe("not now");
  });

  it("that waits when its socket is destroyed is forgotten", async () => {
    const { accepted, client } = await connected();
    client.pause();
    accepted.write("x", "latin1");
    await once(client, "readable");
    while (writePastStream(accepted, "x".repeat(1_000_000)) === "sent");
    const closed = once(accepted, "close");
    accepted.destroy();
    await closed;
  });

  it("is not for sockets that are encrypted", () => {
    const socket = new tls.TLSSocket(new net.Socket());
    expect(hasPlainHandle(socket)).toBe(false);
    socket.destroy();
  });
});

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((given) => (resolve = given));
  return { promise, resolve };
}
