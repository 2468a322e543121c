import { describe, expect, test } from "vitest";
import { basicAuthentication, type BasicAuthenticationOptions } from "../../../../src/gateway/middleware/index.ts";
import type { Application } from "../../../../src/gateway/types.ts";
import { type FakeExchange, run } from "../fake-exchange.ts";
import { lines } from "./bodies.ts";

const whoami: Application = (environ, startResponse) => {
  startResponse(200, []);
  return [`${environ.REMOTE_USER}`];
};

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text as string).toString("base64")}`;

function ask(options: BasicAuthenticationOptions, ...authorization: readonly string[]): FakeExchange {
  const headers = ["Host", "a", ...authorization.flatMap((value) => ["Authorization", value])];
  return run(basicAuthentication(options)(whoami), { headers });
}

const users = { ada: "correct horse", "j\u00fcrgen": "p\u00e4ss:w\u00f6rd" };

describe("basicAuthentication", () => {
  test("lets a known user in and names it", () => {
    expect(ask({ users }, basic("ada:correct horse")).body).toBe("ada");
    expect(ask({ users }, basic("j\u00fcrgen:p\u00e4ss:w\u00f6rd")).body).toBe("j\u00fcrgen");
    expect(ask({ users }, basic("ada:correct horse").replace("Basic", "bASIC ")).body).toBe("ada");
  });

  test.each([
    ["nothing", []],
    ["a wrong password", [basic("ada:wrong")]],
    ["an unknown user", [basic("bob:correct horse")]],
    ["a password that begins right", [basic("ada:correct")]],
    ["no colon", [basic("ada")]],
    ["an empty one", [basic(":")]],
    ["another scheme", ["Bearer YWRhOmNvcnJlY3QgaG9yc2U="]],
    ["base64 with rubbish in it", [basic("ada:correct horse").replace("=", "") + "*"]],
    ["url-safe base64", ["Basic YWRh-mNv"]],
    ["two headers", [basic("ada:correct horse"), basic("ada:correct horse")]],
    ["bytes that are not UTF-8", [basic(Buffer.from([0x61, 0x64, 0x61, 0x3a, 0xff]))]],
    ["a NUL", [basic("ada:correct horse\0")]],
    ["the bare scheme", ["Basic"]],
  ])("refuses %s with a challenge", (_, authorization) => {
    const exchange = ask({ users, realm: "the shop" }, ...authorization);
    expect(exchange.status).toBe(401);
    expect(lines(exchange)[0]).toBe('WWW-Authenticate: Basic realm="the shop", charset="UTF-8"');
    expect(exchange.body).toBe("Unauthorized\n");
  });

  test("asks verify, which may take its time", async () => {
    const verify = async (name: string, password: string): Promise<boolean> => name === "eve" && password === "";
    const good = ask({ verify }, basic("eve:"));
    expect(await good.done).toBe("end");
    expect(good.body).toBe("eve");
    const bad = ask({ verify }, basic("eve:x"));
    expect(await bad.done).toBe("end");
    expect(bad.status).toBe(401);
  });

  test("an error of verify is an error of the request", async () => {
    const exchange = ask({ verify: () => Promise.reject(new Error("no database")) }, basic("a:b"));
    expect(await exchange.done).toBe("end");
    expect(exchange.status).toBe(500);
  });

  test.each([
    [{}, /takes users/],
    [{ users: {} }, /nobody could come in/],
    [{ users: { "a:b": "c" } }, /the user "a:b" could not come in/],
    [{ users: { a: "" } }, /the user "a" could not come in/],
    [{ users: { a: "b" }, verify: () => true }, /takes users/],
    [{ users: { a: "b" }, realm: 'a"b' }, /the realm is printable ASCII/],
  ])("refuses %j, with which nobody could come in", (options, message) => {
    expect(() => basicAuthentication(options)).toThrow(message);
  });
});
