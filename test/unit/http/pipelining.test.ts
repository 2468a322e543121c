/** Requests behind one another on a connection: how much of their replies is made before it is their turn. */

import { expect, test } from "vitest";
import { withEngine } from "./ask-engine.ts";

test("behind a slow reply no more is answered than a client may have the server keep", async () => {
  const calls: string[] = [];
  let release = (): void => {};
  await withEngine(
    (environ, startResponse) => {
      calls.push(environ.PATH_INFO);
      startResponse(200, []);
      if (environ.PATH_INFO === "/large") return [Buffer.alloc(200_000, "x")];
      return new Promise((resolve) => {
        release = () => resolve(["slow"]);
      });
    },
    {},
    async (connect) => {
      const client = connect();
      const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
      client.send(ask("/slow") + ask("/large").repeat(20));
      while (calls.length < 2) await new Promise(setImmediate);
      // A request of somebody else has gone all the way: what there is to be begun of this client's has been.
      const other = connect();
      other.send(ask("/large"));
      expect((await other.response())?.status).toBe(200);
      expect(calls).toEqual(["/slow", "/large", "/large"]);
      release();
      expect((await client.response())?.body.toString()).toBe("slow");
      for (let i = 0; i < 20; i++) expect((await client.response())?.body.length).toBe(200_000);
    },
  );
});
