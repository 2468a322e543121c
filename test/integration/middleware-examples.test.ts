/** Every example of middleware runs as the comment at its head says, and answers the request that stands there. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { commandOf, EXAMPLES } from "../support/examples.ts";
import { startTsgate } from "../support/tsgate.ts";

interface Expected {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly body: string | RegExp;
}

const REPLIES: Readonly<Record<string, Expected>> = {
  "basic-authentication": { status: 200, headers: {}, body: "Hello admin\n" },
  compression: {
    status: 200,
    headers: { "content-encoding": "gzip", vary: "Accept-Encoding" },
    body: /^data: 1\n\ndata: 2\n\ndata: 3\n\n$/,
  },
  compose: {
    status: 404,
    headers: { "x-content-type-options": "nosniff", "content-type": "text/html; charset=utf-8" },
    body: /<h1>404 Not Found<\/h1>/,
  },
  "error-pages": {
    status: 500,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: /^[^]*<h1>Sorry: 500 Internal Server Error<\/h1>\n$/,
  },
  rewriting: { status: 200, headers: {}, body: "YOU ASKED FOR /NEW/PATH\n" },
  "security-headers": {
    status: 200,
    headers: {
      "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
      "x-frame-options": null,
      "referrer-policy": "strict-origin-when-cross-origin",
    },
    body: /Hello/,
  },
  "static-files": {
    status: 206,
    headers: { "content-range": "bytes 0-14/53", "cache-control": "max-age=3600" },
    body: "<!doctype html>",
  },
};

test("every example is known here", () => {
  expect(readdirSync(path.join(EXAMPLES, "middleware")).toSorted()).toEqual(Object.keys(REPLIES).toSorted());
});

test.each(Object.entries(REPLIES))("%s answers", async (name, expected) => {
  const { args, cwd, path: wanted } = commandOf(`middleware/${name}`);
  const server = startTsgate([...args, "--bind", "127.0.0.1:0", "--workers", "1"], { cwd });
  const reply = await fetch((await server.url()) + wanted, { headers: { connection: "close", ...askedWith(name) } });
  expect(reply.status).toBe(expected.status);
  for (const [header, value] of Object.entries(expected.headers)) expect(reply.headers.get(header)).toBe(value);
  const body = await reply.text();
  if (typeof expected.body === "string") expect(body).toBe(expected.body);
  else expect(body).toMatch(expected.body);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

/** What the example's `curl` sends besides: `-u name:password`, `-H 'Name: value'`. */
function askedWith(name: string): Record<string, string> {
  const head = readFileSync(path.join(EXAMPLES, "middleware", name, "app.js"), "utf8").split("*/", 1)[0] ?? "";
  const curl = /^ \* +curl (.*)$/m.exec(head)?.[1] ?? "";
  const [, user] = /-u (\S+)/.exec(curl) ?? [];
  const [, field, value] = /-H '([^:]+): ([^']+)'/.exec(curl) ?? [];
  return {
    ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
    ...(field === undefined ? {} : { [field]: value as string }),
  };
}
