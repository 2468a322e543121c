/** Each undocumented call of Node that tsgate rests on, tried on the Node that runs the tests. */

import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  bindTcp,
  bindUnix,
  isTcpHandle,
  listenOnHandle,
  missingHandleCall,
  readAtOnce,
  stopAccepting,
  tcpAddress,
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

async function answerOf(target: net.NetConnectOpts): Promise<string> {
  const socket = net.connect(target);
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += String(chunk);
  return text;
}

describe("the handles that master and workers share", () => {
  it("are all there on this Node", () => {
    expect(missingHandleCall()).toBeUndefined();
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
    const folder = mkdtempSync(path.join(tmpdir(), "tsgate-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const handle = bindUnix(path.join(folder, "a.sock"));
    expect(isTcpHandle(handle)).toBe(false);
    await serve(handle, "unix");
    expect(await answerOf({ path: path.join(folder, "a.sock") })).toBe("unix");
  });

  it("say at once that an address is taken by somebody who listens", async () => {
    const first = bindTcp("127.0.0.1", 0);
    const { port } = tcpAddress(first);
    await serve(first, "first");
    expect(() => bindTcp("127.0.0.1", port)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
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

  it("read what lies in the kernel past the event loop", async () => {
    const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    const [accepted] = (await once(server, "connection")) as [net.Socket];
    onTestFinished(() => void client.destroy());
    expect(readAtOnce(accepted)).toBeUndefined();
    client.write("unread");
    await expect.poll(() => readAtOnce(accepted)?.toString()).toBe("unread");
    client.end();
    await expect.poll(() => readAtOnce(accepted)?.length).toBe(0);
    accepted.destroy();
  });
});
