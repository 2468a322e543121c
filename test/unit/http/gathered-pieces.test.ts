/** How the pieces of a body leave: those that come in one turn as one, and nothing waits for pieces that come later. */

import net from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { Application } from "../../../src/gateway/index.ts";
import { withEngine } from "./ask-engine.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

afterEach(() => vi.restoreAllMocks());

/** Of each write of several pieces on the server's side, how many they were. */
function watchWrites(port: () => number): number[] {
  const counts: number[] = [];
  const write: unknown = Object.getOwnPropertyDescriptor(net.Socket.prototype, "_writev")?.value;
  vi.spyOn(net.Socket.prototype, "_writev").mockImplementation(function (this: net.Socket, chunks, callback) {
    if (this.localPort === port()) counts.push(chunks.length);
    Reflect.apply(write as () => void, this, [chunks, callback]);
  });
  return counts;
}

const inTurns: Application = (_environ, startResponse) => {
  startResponse(200, []);
  return pieces();
};

async function* pieces() {
  for (const piece of ["a", Buffer.from("b"), "c"]) yield piece;
  await nextTurn();
  for (const piece of ["d", "e"]) yield piece;
}

test("pieces of one turn leave as one", async () => {
  let port = 0;
  const counts = watchWrites(() => port);
  await withEngine(inTurns, {}, async (connect, server) => {
    ({ port } = server);
    const client = connect();
    client.send(GET);
    expect((await client.response())?.body).toBe("abcde");
    // The head is with the first piece, the end with the last.
    expect(counts).toEqual([3, 3]);
  });
});

test("what was sent before an error is not lost with the connection", async () => {
  const breaking: Application = (_environ, startResponse) => {
    startResponse(200, []);
    return (function* () {
      yield* ["a", "b"];
      throw new Error("broken");
    })();
  };
  await withEngine(breaking, { onError: () => {} }, async (connect) => {
    const client = connect();
    client.send(GET);
    expect(await client.ended()).toContain("1\r\na\r\n1\r\nb\r\n");
  });
});
