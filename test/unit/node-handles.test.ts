/** What Node does not document of raw handles, tried on the Node that runs the tests. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it, onTestFinished } from "vitest";
import * as all from "../../src/node-handles.ts";
import {
  bindTcp,
  bindUnix,
  descriptorOf,
  isTcpHandle,
  listenOnHandle,
  missingHandleCall,
  type RawHandle,
  readAgain,
  sendHandle,
  serveConnection,
  stopAccepting,
  stopReading,
  tcpAddress,
} from "../../src/node-handles.ts";
import { connected } from "../support/connected-sockets.ts";

/** A server that answers each connection with `text` and ends it, listening on `handle`. */
async function serve(handle: RawHandle, text: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.end(text));
  listenOnHandle(server, handle, 16);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
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
    expect(Object.keys(all).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
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
