import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { fetchJson, FrameReader, type InspectorAddress, openWebSocket } from "../../../../src/master/hang/websocket.ts";

const never = (): AbortSignal => new AbortController().signal;

/** A server's frame. */
function frame(payload: Buffer, first = 0x81): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head.writeUInt8(first, 0);
  if (head.length === 4) {
    head.writeUInt8(126, 1);
    head.writeUInt16BE(length, 2);
  } else {
    head.writeUInt8(127, 1);
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

describe("frames", () => {
  const texts = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.nat({ max: 70_000 }).map((length) => "x".repeat(length)),
    ),
    { maxLength: 5 },
  );

  it("give their texts however they are cut", () => {
    fc.assert(
      fc.property(texts, fc.array(fc.integer({ min: 1, max: 40_000 })), (texts, cuts) => {
        const bytes = Buffer.concat(texts.map((text) => frame(Buffer.from(text))));
        const reader = new FrameReader();
        const received: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          received.push(...reader.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        received.push(...reader.push(bytes.subarray(at)));
        expect(received).toEqual(texts.map((text) => Buffer.from(text).toString()));
      }),
    );
  });

  it("give nothing where they are not texts", () => {
    const closing = frame(Buffer.from([3, 232]), 0x88);
    expect(new FrameReader().push(Buffer.concat([frame(Buffer.from("one")), closing]))).toEqual(["one"]);
  });

  it.each([
    ["are masked, which only clients do", Buffer.from([0x81, 0x85, 0, 0, 0, 0])],
    ["claim a length that no message has", Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])],
  ])("are refused when they %s", (_what, bytes) => {
    expect(() => new FrameReader().push(bytes)).toThrow("no frame of an inspector");
  });
});

describe("a connection", () => {
  it.each([5, 125, 126, 65_535, 65_536, 1_000_000])("carries texts of %i bytes both ways", async (length) => {
    const { address, sockets } = await echo();
    const channel = await openWebSocket(address, "/some-id", never());
    const received = new Promise<string>((resolve) => channel.onMessage(resolve));
    const text = "é".repeat(length / 2) + "x".repeat(length % 2);
    channel.send(text);
    expect(await received).toBe(text);
    expect(sockets.clients.size).toBe(1);
    channel.close();
  });

  it("tells once when the server ends it", async () => {
    const { address, sockets } = await echo();
    const channel = await openWebSocket(address, "/", never());
    const ended = new Promise<Error>((resolve) => channel.onEnd(resolve));
    for (const client of sockets.clients) client.terminate();
    expect((await ended).message).toBe("the inspector closed the connection");
  });

  it("is not made where no WebSocket is served", async () => {
    const { address } = await echo({ isRefusing: true });
    await expect(openWebSocket(address, "/", never())).rejects.toThrow("no WebSocket: HTTP/1.1 400 Bad Request");
  });

  it("is given up when there is no time left", async () => {
    const { address } = await silent();
    await expect(openWebSocket(address, "/", AbortSignal.timeout(20))).rejects.toThrow();
  });
});

describe("a list", () => {
  it("is fetched", async () => {
    const { address } = await echo();
    expect(await fetchJson(address, "/json/list", never())).toEqual([{ id: "é", url: "/json/list" }]);
  });

  it("is missed where there is none", async () => {
    const { address } = await echo();
    await expect(fetchJson(address, "/nothing", never())).rejects.toThrow("/nothing: HTTP/1.1 404 Not Found");
  });
});

async function echo({ isRefusing = false } = {}): Promise<{ address: InspectorAddress; sockets: WebSocketServer }> {
  const server = http.createServer(({ url }, response) => {
    const body = Buffer.from(JSON.stringify([{ id: "é", url }]));
    response.writeHead(url === "/json/list" ? 200 : 404, { "Content-Length": body.length }).end(body);
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  server.on("upgrade", (request, socket, head) => {
    if (isRefusing) socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    else
      sockets.handleUpgrade(request, socket, head, (client) =>
        client.on("message", (data: Buffer) => client.send(data.toString())),
      );
  });
  return { address: await listening(server, () => sockets.clients.forEach((client) => client.terminate())), sockets };
}

/** Accepts and says nothing. */
async function silent(): Promise<{ address: InspectorAddress }> {
  const server = http.createServer(() => {});
  return { address: await listening(server, () => server.closeAllConnections()) };
}

async function listening(server: http.Server, end: () => void): Promise<InspectorAddress> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    end();
    server.close();
  });
  return { host: "127.0.0.1", port: (server.address() as net.AddressInfo).port };
}
