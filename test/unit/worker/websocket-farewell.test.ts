/** Where on an upgraded socket the server's close frame is written, and where none is. */

import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { websocketFarewell } from "../../../src/worker/websocket-farewell.ts";

const HEAD = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const GOING_AWAY = "\x88\x02\x03\xe9";
const OWN_CLOSE = "\x88\x02\x03\xe8";

/** A socket, all that has been written on it, and its farewell. */
function upgraded(): { socket: Duplex; written: () => string; leave: () => void } {
  let text = "";
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      text += chunk.toString("latin1");
      callback();
    },
  });
  const request = { headers: { upgrade: "WebSocket" } } as IncomingMessage;
  return { socket, written: () => text, leave: websocketFarewell(request, socket) ?? expect.fail("no farewell") };
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

describe("the farewell is said", () => {
  it("at once between two frames, and once", async () => {
    const { socket, written, leave } = upgraded();
    socket.write(HEAD);
    socket.write(latin1("\x81\x02hi"));
    leave();
    expect(written()).toBe(`${HEAD}\x81\x02hi${GOING_AWAY}`);
    leave();
    socket.write(latin1("\x81\x02ho"));
    await turn();
    expect(written()).toBe(`${HEAD}\x81\x02hi${GOING_AWAY}\x81\x02ho`);
    expect(Reflect.get(socket, "write")).toBe(Reflect.get(Duplex.prototype, "write"));
  });

  it("behind a frame that has begun, wherever its writes are cut", async () => {
    const frame = latin1("\x82\x7e\x01\x00" + "x".repeat(256));
    for (const cut of [1, 2, 3, 4, 5, 100, 259]) {
      const { socket, written, leave } = upgraded();
      socket.write(HEAD);
      socket.write(frame.subarray(0, cut));
      leave();
      await turn();
      expect(written()).not.toContain(GOING_AWAY);
      socket.write(frame.subarray(cut));
      await turn();
      expect(written()).toBe(`${HEAD}${frame.toString("latin1")}${GOING_AWAY}`);
    }
  });

  it("behind a frame that is handed on past `write`, as pipes do from Node 26.12 on, also while others stand in line", async () => {
    const { socket, written, leave } = upgraded();
    const internals = socket as unknown as { _write(chunk: Buffer, encoding: string, callback: () => void): void };
    const handOn = (text: string): void => internals._write(latin1(text), "buffer", () => {});
    socket.write(HEAD);
    socket.cork();
    socket.write(latin1("\x82\x03a"));
    socket.write(latin1("bc"));
    socket.uncork();
    handOn("\x82\x04de");
    leave();
    await turn();
    expect(written()).not.toContain(GOING_AWAY);
    handOn("fg");
    await turn();
    expect(written()).toBe(`${HEAD}\x82\x03abc\x82\x04defg${GOING_AWAY}`);
  });

  it("behind all that the turn in which a frame ends writes", async () => {
    const { socket, written, leave } = upgraded();
    socket.write(HEAD);
    socket.write(latin1("\x81\x04a"));
    leave();
    socket.write(latin1("bcd"));
    socket.write(latin1("\x81\x02h"));
    await turn();
    expect(written()).toBe(`${HEAD}\x81\x04abcd\x81\x02h`);
    socket.write("i");
    await turn();
    expect(written()).toBe(`${HEAD}\x81\x04abcd\x81\x02hi${GOING_AWAY}`);
  });

  it("behind a handshake that ends later, in one write or in several", async () => {
    for (const cuts of [[], [1], [HEAD.length - 1], [20, HEAD.length - 2]]) {
      const { socket, written, leave } = upgraded();
      leave();
      for (const [index, cut] of [...cuts, HEAD.length].entries()) {
        expect(written()).not.toContain(GOING_AWAY);
        socket.write(HEAD.slice(cuts[index - 1] ?? 0, cut));
        await turn();
      }
      expect(written()).toBe(`${HEAD}${GOING_AWAY}`);
    }
  });

  it("behind a frame whose beginning came with the head", async () => {
    for (const cut of [HEAD.length, 30]) {
      const { socket, written, leave } = upgraded();
      const first = latin1(`${HEAD}\x81\x03y`);
      socket.write(first.subarray(0, cut));
      socket.write(first.subarray(cut));
      leave();
      expect(written()).not.toContain(GOING_AWAY);
      socket.write(latin1("es"));
      await turn();
      expect(written()).toBe(`${HEAD}\x81\x03yes${GOING_AWAY}`);
    }
  });

  it("behind text, counted in bytes", async () => {
    const { socket, written, leave } = upgraded();
    socket.write(HEAD);
    socket.write("8106", "hex");
    socket.write("äö");
    leave();
    expect(written()).not.toContain(GOING_AWAY);
    socket.write("äö", "latin1");
    await turn();
    expect(written().endsWith(`äö${GOING_AWAY}`)).toBe(true);
  });
});

describe("nothing is said", () => {
  it("when the application has written a close frame of its own, before or in that turn", async () => {
    const before = upgraded();
    before.socket.write(`${HEAD}\x81\x01a`, "latin1");
    before.socket.write(OWN_CLOSE, "latin1");
    before.leave();
    const inThatTurn = upgraded();
    inThatTurn.leave();
    inThatTurn.socket.write(HEAD);
    inThatTurn.socket.write(OWN_CLOSE, "latin1");
    await turn();
    for (const { written } of [before, inThatTurn]) expect(written().endsWith(OWN_CLOSE)).toBe(true);
  });

  it("when the upgrade was refused, or the socket has ended", async () => {
    const refused = upgraded();
    refused.leave();
    refused.socket.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
    const ended = upgraded();
    ended.socket.write(HEAD);
    ended.socket.write(latin1("\x81\x02h"));
    ended.leave();
    ended.socket.end("i");
    await turn();
    expect(refused.written()).toBe("HTTP/1.1 401 Unauthorized\r\n\r\n");
    expect(ended.written()).toBe(`${HEAD}\x81\x02hi`);
  });

  it("on another protocol", () => {
    const request = { headers: { upgrade: "chat" } } as IncomingMessage;
    expect(websocketFarewell(request, new Duplex())).toBeUndefined();
  });
});
