/** What `listen()` is asked for, in all of its signatures, compared with what Node makes of the same arguments. */

import { once } from "node:events";
import net from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { formatAsked, readListenCall } from "../../../src/worker/listen-call.ts";

const callback = (): void => {};

describe("arguments that Node takes", () => {
  it.each<[args: unknown[], asked: string]>([
    [[], "0"],
    [[3000], "3000"],
    [["3000"], "3000"],
    [[0], "0"],
    [[undefined], "0"],
    [[null], "0"],
    [[3000, "::1"], "3000, ::1"],
    [[3000, 511], "3000"],
    [[3000, undefined, 511], "3000"],
    [[3000, "localhost", 511, callback], "3000, localhost"],
    [["app.sock"], "app.sock"],
    [["/run/app.sock", 511, callback], "/run/app.sock"],
    [[{ port: 3000, host: "127.0.0.1" }], "3000, 127.0.0.1"],
    [[{ port: "3000" }, callback], "3000"],
    [[{ port: undefined }], "0"],
    [[{ port: null }], "0"],
    [[{ path: "app.sock" }], "app.sock"],
    [[{ fd: 3 }], "a handle"],
    [[{ _handle: {} }], "a handle"],
  ])("%j are understood", (args, asked) => {
    const call = readListenCall(args);
    expect(call && formatAsked(call.address)).toBe(asked);
    expect(call?.callback).toBe(args.includes(callback) ? callback : undefined);
  });

  it("hand over the signal that closes the server", () => {
    const { signal } = new AbortController();
    expect(readListenCall([{ port: 0, signal }])?.signal).toBe(signal);
  });

  it("are told where Node itself listens in the same way", async () => {
    for (const args of [[], [0], ["0"], [undefined], [{ port: 0, host: "127.0.0.1" }], [0, "127.0.0.1", 5]]) {
      const server = net.createServer();
      onTestFinished(() => void server.close());
      server.listen(...(args as [number]));
      await once(server, "listening");
      expect(readListenCall(args)?.address.kind).toBe("port");
    }
  });
});

describe("arguments that Node refuses", () => {
  it.each<unknown[]>([
    [-1],
    [65_536],
    [1.5],
    [Number.NaN],
    [""],
    [" "],
    [{}],
    [{ host: "localhost" }],
    [{ port: "x" }],
    [true],
  ])("%j are left to Node to refuse", (...args) => {
    expect(readListenCall(args)).toBeUndefined();
    expect(() => net.createServer().listen(...(args as [number]))).toThrow(/port|invalid/i);
  });
});
