/** Each undocumented call of Node that tsgate rests on, tried on the Node that runs the tests. */

import { type ChildProcess, fork } from "node:child_process";
import { fstatSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import path from "node:path";
import { Writable } from "node:stream";
import { once } from "node:events";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it, onTestFinished } from "vitest";
import * as handles from "../../src/node-handles.ts";
import {
  bindTcp,
  bindUnix,
  descriptorOf,
  followWrites,
  hasPlainHandle,
  isContinueSent,
  isTcpHandle,
  listenOnHandle,
  missingHandleCall,
  makeMain,
  readAgain,
  readAsStream,
  readInto,
  readOrClose,
  seeHandedOn,
  sendHandle,
  sentHead,
  sentStatus,
  serveConnection,
  socketsAtRest,
  statusOfHead,
  statusSent,
  stopAccepting,
  stopReading,
  tcpAddress,
  transportOf,
  writePastStream,
  writtenBytes,
  type RawHandle,
} from "../../src/node-handles.ts";

/** A server that answers each connection with `text` and ends it, listening on `handle`. */
async function serve(handle: RawHandle, text: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.end(text));
  listenOnHandle(server, handle, 16);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

/** Both ends of a connection; the server's does not read by itself. */
async function connected(): Promise<{ accepted: net.Socket; client: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  client.resume();
  onTestFinished(() => void client.destroy());
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  return { accepted, client };
}

/** "connected", or the code of the error. */
async function connectTo(socketPath: string): Promise<string> {
  const socket = net.connect(socketPath);
  onTestFinished(() => void socket.destroy());
  return new Promise((resolve) => {
    socket.once("connect", () => resolve("connected"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function answerOf(target: net.NetConnectOpts): Promise<string> {
  const socket = net.connect(target);
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += String(chunk);
  return text;
}

/** Serves "child" on a handle that is sent to it, or on the descriptor that it is told; prints what it has done. */
const CHILD = `
import fs from "node:fs";
import net from "node:net";
import { adoptDescriptor, isTcpHandle, listenOnHandle, shrinkAcceptQueue } from "./node-handles.mjs";
function serve(handle, { queue } = {}) {
  const server = net.createServer((socket) => socket.end(isTcpHandle(handle) ? "child tcp" : "child unix"));
  server.once("listening", () => {
    if (queue !== undefined) shrinkAcceptQueue(server, queue);
    fs.writeSync(1, "listening");
    if (queue !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
  listenOnHandle(server, handle, 16);
}
const [descriptor] = process.argv.slice(2);
if (descriptor === undefined) process.on("message", (message, handle) => serve(handle, message));
else serve(adoptDescriptor(Number(descriptor)));
`;

/** Starts `CHILD`, killed when the test ends; `descriptor` becomes its number 4. */
async function startChild(descriptor?: number): Promise<ChildProcess> {
  const folder = temporaryFolder();
  const source = fileURLToPath(new URL("../../src/node-handles.ts", import.meta.url));
  const bundle = path.join(folder, "node-handles.mjs");
  await build({ entryPoints: [source], bundle: true, platform: "node", format: "esm", outfile: bundle });
  writeFileSync(path.join(folder, "child.mjs"), CHILD);
  const child = fork(path.join(folder, "child.mjs"), descriptor === undefined ? [] : ["4"], {
    stdio: ["ignore", "pipe", "inherit", "ipc", ...(descriptor === undefined ? [] : [descriptor])],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function untilListening(child: ChildProcess): Promise<void> {
  for await (const text of child.stdout ?? []) if (String(text).includes("listening")) return;
  throw new Error("the child has ended");
}

/** Sends the child a copy of `handle` and waits until it listens on it. */
async function lend(child: ChildProcess, handle: RawHandle, message: object = {}): Promise<void> {
  const error = await new Promise((sent) => {
    sendHandle(child, message, handle, sent);
  });
  expect(error).toBeNull();
  await untilListening(child);
}

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tsgate-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("the handles that master and workers share", () => {
  it("are all there on this Node", () => {
    expect(missingHandleCall()).toBeUndefined();
  });

  it("are each tried here", () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), "utf8");
    expect(Object.keys(handles).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
  });

  it("bind TCP without listening, and serve once listened on", async () => {
    const handle = bindTcp("127.0.0.1", 0);
    const { address, port } = tcpAddress(handle);
    expect(address).toBe("127.0.0.1");
    expect(isTcpHandle(handle)).toBe(true);
    await expect(answerOf({ host: address, port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await serve(handle, "tcp");
    expect(await answerOf({ host: address, port })).toBe("tcp");
  });

  it("bind both families at once", async () => {
    const handle = bindTcp("::", 0);
    const { port } = tcpAddress(handle);
    await serve(handle, "both");
    expect(await answerOf({ host: "127.0.0.1", port })).toBe("both");
    expect(await answerOf({ host: "::1", port })).toBe("both");
  });

  it("bind a unix path", async () => {
    const socket = path.join(temporaryFolder(), "a.sock");
    const handle = bindUnix(socket);
    expect(isTcpHandle(handle)).toBe(false);
    await serve(handle, "unix");
    expect(await answerOf({ path: socket })).toBe("unix");
  });

  it("say at once that an address is taken by somebody who listens", async () => {
    const first = bindTcp("127.0.0.1", 0);
    const { port } = tcpAddress(first);
    await serve(first, "first");
    expect(() => bindTcp("127.0.0.1", port)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  });

  it.runIf(process.platform === "linux")("bind an abstract name", async () => {
    const name = `\0tsgate-test-${process.pid}`;
    await serve(bindUnix(name), "abstract");
    expect(await answerOf({ path: name })).toBe("abstract");
  });

  it("travel to a child, which serves on its copy of a TCP socket; ours stays open", async () => {
    const handle = bindTcp("127.0.0.1", 0);
    const { port } = tcpAddress(handle);
    await lend(await startChild(), handle);
    expect(await answerOf({ host: "127.0.0.1", port })).toBe("child tcp");
    expect(tcpAddress(handle).port).toBe(port);
    handle.close();
  });

  it("travel to a child, which serves on its copy of a unix socket; ours stays open", async () => {
    const socket = path.join(temporaryFolder(), "a.sock");
    const handle = bindUnix(socket);
    await lend(await startChild(), handle);
    expect(await answerOf({ path: socket })).toBe("child unix");
    await serve(handle, "ours");
  });

  it("are made from inherited descriptors, TCP and unix", async () => {
    const tcp = bindTcp("127.0.0.1", 0);
    await untilListening(await startChild(tcp.fd));
    expect(await answerOf({ host: "127.0.0.1", port: tcpAddress(tcp).port })).toBe("child tcp");
    tcp.close();
    const socket = path.join(temporaryFolder(), "a.sock");
    const unix = bindUnix(socket);
    await untilListening(await startChild(unix.fd));
    expect(await answerOf({ path: socket })).toBe("child unix");
    unix.close();
  });

  it("know their descriptor as long as they are open", async () => {
    const server = await serve(bindTcp("127.0.0.1", 0), "");
    const fd = descriptorOf(server);
    expect(fd !== undefined && fstatSync(fd).isSocket()).toBe(true);
    stopAccepting(server);
    expect(descriptorOf(server)).toBeUndefined();
  });

  it.each([
    [undefined, 5],
    [1, 2],
  ])("with an accept queue shrunk to %s let %i of 5 connections wait", async (queue, expected) => {
    const socket = path.join(temporaryFolder(), "a.sock");
    const handle = bindUnix(socket);
    // A child that blocks once it listens accepts nothing: whatever connects is in the queue.
    await lend(await startChild(), handle, { queue: queue ?? 16 });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => connectTo(socket)));
    expect(outcomes.filter((outcome) => outcome === "connected")).toHaveLength(expected);
    expect(outcomes.filter((outcome) => outcome === "EAGAIN")).toHaveLength(5 - expected);
    handle.close();
  });

  it("stop accepting without an end to the connections that exist", async () => {
    const handle = bindTcp("127.0.0.1", 0);
    const { port } = tcpAddress(handle);
    const server = net.createServer((socket) => socket.pipe(socket));
    listenOnHandle(server, handle, 16);
    await once(server, "listening");
    const socket = net.connect(port, "127.0.0.1");
    await Promise.all([once(socket, "connect"), once(server, "connection")]);
    stopAccepting(server);
    await expect(answerOf({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    socket.write("still here");
    expect(String((await once(socket, "data"))[0])).toBe("still here");
    socket.end();
    await once(server, "close");
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

  it.each([["one by one"], ["at once"]])(
    "tell what of a stream's text, written %s, the system has not taken",
    async (how) => {
      const server = net.createServer({ pauseOnConnect: true });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
      const [[peer]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
        [net.Socket],
        unknown,
      ];
      const unwritten = followWrites(client);
      if (unwritten === undefined) throw new Error("a socket that cannot be followed");
      expect(unwritten().length).toBe(0);
      const texts = Array.from({ length: 2000 }, (_, index) => `${index} ü ${"x".repeat(10_000)}\n`);
      if (how === "at once") client.cork();
      for (const text of texts) client.write(text);
      client.uncork();
      await new Promise(setImmediate);
      const all = Buffer.from(texts.join(""));
      const left = unwritten();
      expect(left.length).toBeGreaterThan(0);
      expect(left.equals(all.subarray(all.length - left.length))).toBe(true);
      client.destroy();
      const taken: Buffer[] = [];
      for await (const chunk of peer) taken.push(chunk as Buffer);
      expect(Buffer.concat(taken).length).toBe(all.length - left.length);
    },
  );

  it("tell what a stream hands on, one by one or several, until they are told to forget it", () => {
    const seen: unknown[] = [];
    const taken: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        taken.push(chunk.toString());
        callback();
      },
      writev(chunks, callback) {
        taken.push(...chunks.map(({ chunk }) => String(chunk)));
        callback();
      },
    });
    const forget = seeHandedOn(
      stream,
      (chunk) => void seen.push(String(chunk)),
      (count) => void seen.push(count),
    );
    stream.write("one");
    stream.cork();
    for (const text of ["two", "three", "four"]) stream.write(text);
    stream.uncork();
    expect(seen).toEqual(["one", 3]);
    forget();
    stream.write("five");
    expect(seen).toEqual(["one", 3]);
    expect(taken).toEqual(["one", "two", "three", "four", "five"]);
  });

  it("make a module the main one of its process", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "tsgate-test-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = path.join(realpathSync(dir), "main.cjs");
    writeFileSync(file, "module.exports = require.main === module;");
    onTestFinished(() => void Reflect.deleteProperty(process, "mainModule"));
    makeMain(file);
    expect(createRequire(import.meta.url)(file)).toBe(true);
  });
});

describe("a connection that another process is to serve", () => {
  it("is not read from until it is to be again", async () => {
    const { accepted, client } = await connected();
    const received: string[] = [];
    accepted
      .setEncoding("latin1")
      .on("data", (text: string) => received.push(text))
      .resume();
    client.write("zero");
    await once(accepted, "data");
    expect(stopReading(accepted)).toBeDefined();
    client.write("one");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toEqual(["zero"]);
    readAgain(accepted);
    await once(accepted, "data");
    expect(received).toEqual(["zero", "one"]);
  });

  it("stays where it is while something is left to send", async () => {
    const { accepted, client } = await connected();
    client.pause();
    accepted.on("error", () => {});
    while (accepted.write(Buffer.alloc(1 << 20)));
    accepted.write(Buffer.alloc(1 << 24));
    expect(stopReading(accepted)).toBeUndefined();
  });

  it("comes to a server there with all that has been sent meanwhile", async () => {
    const server = http.createServer((request, response) =>
      response.end(`${request.url} ${request.socket.remotePort}`),
    );
    const { accepted, client } = await connected();
    const handle = stopReading(accepted);
    if (handle === undefined) throw new Error("no handle");
    client.write("GET /moved HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    serveConnection(server, handle);
    let text = "";
    client.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    while (!text.includes("/moved")) await once(client, "data");
    expect(text).toContain(`/moved ${client.localPort}`);
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
    for (let outcome: handles.Written = "sent"; outcome === "sent"; sent += large.length)
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
    let outcome: handles.Written = "sent";
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
