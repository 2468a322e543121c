/** A worker's sockets while it pauses, is full and leaves: real ones, of which each copy has an address of its own here. */

import { once } from "node:events";
import net from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bindTcp, type RawHandle, tcpAddress } from "../../../src/node-handles.ts";
import { Acceptor } from "../../../src/worker/acceptor.ts";

/** An acceptor for `sockets` sockets that has been given the first copies. */
async function start({ sockets = 1, limit = 0 } = {}) {
  const open = new Set<net.Socket>();
  const asked = vi.fn<() => void>();
  const changed = vi.fn<() => void>();
  const warn = vi.fn<() => void>();
  const acceptor: Acceptor = new Acceptor({
    createServer: () =>
      net.createServer((socket) => {
        open.add(socket);
        socket.once("close", () => {
          open.delete(socket);
          acceptor.countChanged(open.size);
        });
        acceptor.countChanged(open.size);
      }),
    backlog: 16,
    limit,
    connectionCount: () => open.size,
    askForSockets: asked,
    changed,
    warn,
  });
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    acceptor.leave({ wholeServer: false });
    for (const server of acceptor.servers) server.close();
  });
  /** Gives it a copy of each socket; returns their ports. */
  const give = async (): Promise<{ ports: number[]; isReady: boolean }> => {
    const ports: number[] = [];
    let isReady = false;
    for (let index = 0; index < sockets; index++) {
      const handle = bindTcp("127.0.0.1", 0);
      ports.push(tcpAddress(handle).port);
      isReady = await acceptor.take({ index, count: sockets, address: "", isUnix: false }, handle);
    }
    return { ports, isReady };
  };
  const first = await give();
  return { acceptor, asked, changed, warn, give, first: first.ports, isReady: first.isReady };
}

async function isAccepted(port = 0): Promise<boolean> {
  const socket = net.connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
}

describe("a worker that pauses", () => {
  it("closes what it listens on, and goes on with the copies that it has kept", async () => {
    const { acceptor, asked, changed, give, first, isReady } = await start({ sockets: 2 });
    expect(isReady).toBe(true);
    acceptor.prepare();
    acceptor.prepare();
    expect(asked).toHaveBeenCalledTimes(1);
    const { ports, isReady: isReadyAgain } = await give();
    expect(isReadyAgain).toBe(false);
    acceptor.pause();
    expect(acceptor.isAccepting).toBe(false);
    for (const port of [...first, ...ports]) expect(await isAccepted(port)).toBe(false);
    acceptor.resume();
    expect(acceptor.isAccepting).toBe(true);
    for (const port of ports) expect(await isAccepted(port)).toBe(true);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it("goes on accepting until it holds the copies to begin again with", async () => {
    const { acceptor, give, first } = await start({ sockets: 2 });
    acceptor.pause();
    expect(acceptor.isAccepting).toBe(true);
    expect(await isAccepted(first[0])).toBe(true);
    await give();
    expect(acceptor.isAccepting).toBe(false);
  });

  it("asks again when the copies got lost on their way", async () => {
    const { acceptor, asked } = await start();
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    acceptor.prepare();
    await acceptor.take({ index: 0, count: 1, address: "", isUnix: false }, undefined);
    expect(asked).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("listens once more when the whole server stops, and keeps nothing when it leaves alone", async () => {
    for (const wholeServer of [true, false]) {
      const { acceptor, give } = await start();
      const { ports } = await give();
      acceptor.pause();
      acceptor.leave({ wholeServer });
      expect(await isAccepted(ports[0])).toBe(wholeServer);
      acceptor.resume();
      expect(acceptor.isAccepting).toBe(wholeServer);
      const late: RawHandle = bindTcp("127.0.0.1", 0);
      const close = vi.spyOn(late, "close");
      await acceptor.take({ index: 0, count: 1, address: "", isUnix: false }, late);
      expect(close).toHaveBeenCalledTimes(1);
    }
  });
});

describe("a worker that is full", () => {
  it("stops at the limit, also before it has other copies, and goes on when there is room", async () => {
    const { acceptor, give, first, warn } = await start({ limit: 2 });
    const clients = [net.connect(Number(first[0]), "127.0.0.1"), net.connect(Number(first[0]), "127.0.0.1")];
    for (const client of clients) onTestFinished(() => void client.destroy());
    await vi.waitUntil(() => acceptor.isFull);
    expect(acceptor.isAccepting).toBe(false);
    expect(warn).toHaveBeenCalledTimes(1);
    const { ports } = await give();
    expect(acceptor.isAccepting).toBe(false);
    clients[0]?.destroy();
    await vi.waitUntil(() => acceptor.isAccepting);
    const again = net.connect(Number(ports[0]), "127.0.0.1");
    onTestFinished(() => void again.destroy());
    await once(again, "connect");
    await vi.waitUntil(() => acceptor.isFull);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("stops at the limit while it leaves too, for good, unless nobody else takes what waits", async () => {
    for (const wholeServer of [true, false]) {
      const { acceptor, give, first } = await start({ limit: 1 });
      await give();
      acceptor.leave({ wholeServer });
      expect(acceptor.isAccepting).toBe(true);
      const client = net.connect(Number(first[0]), "127.0.0.1");
      await once(client, "connect");
      if (!wholeServer) await vi.waitUntil(() => !acceptor.isAccepting);
      expect(await isAccepted(first[0])).toBe(wholeServer);
      client.destroy();
      await once(client, "close");
      expect(acceptor.isAccepting).toBe(wholeServer);
    }
  });

  it("and told to pause goes on when neither is so any more", async () => {
    const { acceptor, give, first } = await start({ limit: 1 });
    await give();
    const client = net.connect(Number(first[0]), "127.0.0.1");
    await vi.waitUntil(() => acceptor.isFull);
    acceptor.pause();
    client.destroy();
    await vi.waitUntil(() => !acceptor.isFull);
    expect(acceptor.isAccepting).toBe(false);
    acceptor.resume();
    expect(acceptor.isAccepting).toBe(true);
  });
});
