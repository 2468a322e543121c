/** A request's body, read to its end at once or in parts. */

import { expect, test } from "vitest";
import type { Environ } from "../../../src/gateway/index.ts";
import { RawClient } from "../../conformance/http-reader.ts";
import { withEngine } from "./ask-engine.ts";

/** Asks with a body of three pieces, and has `read` say what it finds. */
async function answerOf(read: (input: Environ["gateway.input"]) => Promise<string>): Promise<string | undefined> {
  let answer: string | undefined;
  await withEngine(
    async (environ, startResponse) => {
      const found = await read(environ["gateway.input"]).catch((error: Error) => error.name);
      startResponse(200, []);
      return [found];
    },
    {},
    async (connect) => {
      const client: RawClient = connect();
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n");
      for (const piece of ["one,", "two,", "four"]) {
        await new Promise(setImmediate);
        client.send(piece);
      }
      answer = (await client.response())?.body.toString();
    },
  );
  return answer;
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("to its end, and beyond", async () => {
  expect(await answerOf(async (input) => `${textOf(await input.read())}|${textOf(await input.read())}`)).toBe(
    "one,two,four|",
  );
  expect(await answerOf(async (input) => `${textOf(await input.read())}|${textOf(await input.read(3))}`)).toBe(
    "one,two,four|",
  );
});

test("in part, and then to its end", async () => {
  expect(await answerOf(async (input) => `${textOf(await input.read(2))}|${textOf(await input.read())}`)).toBe(
    "on|e,two,four",
  );
});

test("one read at a time", async () => {
  const twice = await answerOf(async (input) => {
    const [first, second] = await Promise.allSettled([input.read(), input.read()]);
    return `${first.status} ${second.status}`;
  });
  expect(twice).toBe("fulfilled rejected");
});

test("of which a part never comes, in a read that is left pending", async () => {
  const input: Promise<Uint8Array>[] = [];
  await withEngine(
    (environ, startResponse) => {
      input.push(environ["gateway.input"].read());
      startResponse(200, []);
      return ["early"];
    },
    {},
    async (connect) => {
      const client = connect();
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\none,");
      expect((await client.response())?.body.toString()).toBe("early");
      await expect(input[0]).rejects.toMatchObject({ name: "AbortError" });
    },
  );
});
