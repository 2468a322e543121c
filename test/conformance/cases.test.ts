/**
 * Every case under `cases/`: `NAME.http` is sent as it is, byte by byte, and `NAME.json` says which application
 * answers and what the client must see. The same cases run against every transport.
 */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applications, type Probe } from "./applications.ts";
import { RawClient, type Response, valueOf } from "./http-reader.ts";
import { transports } from "./transports.ts";

interface ExpectedResponse {
  readonly status: number;
  readonly reason?: string;
  /** The value of each header named; null: it must not be there; a list: it comes that often. */
  readonly headers?: Readonly<Record<string, string | null | readonly string[]>>;
  readonly body?: string;
  /** What the body holds as JSON, at least; null: that key must not be there. */
  readonly json?: Readonly<Record<string, string | null>>;
  /** Default true; false: the connection must go before the response is whole. */
  readonly complete?: boolean;
}

interface Case {
  /** A key of `applications`. */
  readonly application: string;
  readonly responses: readonly ExpectedResponse[];
  /** Whether the connection serves another request afterwards, or is closed. */
  readonly connection: "open" | "closed";
  /** What the messages of the errors that are reported contain; default none. */
  readonly errors?: readonly string[];
  /** What the application's probe holds; default nothing. */
  readonly probe?: readonly string[];
}

const folder = new URL("cases/", import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

describe.each(transports)("over $name", (transport) => {
  test.each(names)("%s", async (name) => {
    const wanted = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Case;
    const request = readFileSync(new URL(`${name}.http`, folder));
    const makeApplication = applications[wanted.application];
    if (makeApplication === undefined) throw new Error(`there is no application ${wanted.application}`);
    const probe: Probe = [];
    const server = await transport.start(makeApplication(probe));
    const client = new RawClient(server.port);
    try {
      client.send(request);
      const methods = methodsOf(request.toString("latin1"));
      let finals = 0;
      for (const expected of wanted.responses) {
        const response = await client.response(methods[finals] === "HEAD");
        checkResponse(response, expected);
        if (expected.status >= 200) finals += 1;
      }
      if (wanted.connection === "closed") expect(await client.ended()).toBe("");
      expect(probe).toEqual(wanted.probe ?? []);
      expect(server.errors.map(String)).toEqual((wanted.errors ?? []).map((part) => expect.stringContaining(part)));
      if (wanted.connection === "open") await expectServed(client);
    } finally {
      client.close();
      await server.stop();
    }
  });
});

function checkResponse(response: Response | undefined, expected: ExpectedResponse): void {
  if (response === undefined) throw new Error(`the connection closed without the response ${expected.status}`);
  expect(response.status).toBe(expected.status);
  if (expected.reason !== undefined) expect(response.reason).toBe(expected.reason);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    if (Array.isArray(value)) {
      expect(response.headers.filter(([key]) => key === name).map((header) => header[1])).toEqual(value);
    } else {
      expect(valueOf(response.headers, name), name).toBe(value ?? undefined);
    }
  }
  if (expected.body !== undefined) expect(response.body).toBe(expected.body);
  if (expected.json !== undefined)
    checkJson(JSON.parse(Buffer.from(response.body, "latin1").toString()) as Record<string, string>, expected.json);
  expect(response.isComplete, "the response is whole").toBe(expected.complete ?? true);
}

function checkJson(seen: Readonly<Record<string, string>>, expected: NonNullable<ExpectedResponse["json"]>): void {
  for (const [key, value] of Object.entries(expected)) {
    if (value === null) expect(seen).not.toHaveProperty([key]);
    else expect(seen[key], key).toBe(value);
  }
}

/** One more request on the same connection gets one more response, and nothing was left over before it. */
async function expectServed(client: RawClient): Promise<void> {
  client.send("GET /one-more HTTP/1.1\r\nHost: example.org\r\n\r\n");
  expect(await client.response()).toBeDefined();
}

function methodsOf(request: string): string[] {
  return [...request.matchAll(/^([A-Z]+) \S+ HTTP\/1\.\d\r$/gm)].map((match) => match[1] as string);
}
