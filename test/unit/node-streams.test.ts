/** What Node does not document of streams, tried on the Node that runs the tests. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import * as all from "../../src/node-streams.ts";
import { followWrites, seeHandedOn } from "../../src/node-streams.ts";

describe("what is known of streams", () => {
  it("are each tried here", () => {
    const tests = readFileSync(fileURLToPath(import.meta.url), "utf8");
    expect(Object.keys(all).filter((name) => !tests.includes(`${name}(`))).toEqual([]);
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
});
