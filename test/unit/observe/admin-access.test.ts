import { describe, expect, it } from "vitest";
import { accessOf, type Asking } from "../../../src/observe/admin-access.ts";

const TOKEN = "0123456789abcdef";
const equal = (given: string, token: string): boolean => given === token;

function access(asking: Asking, token: string | undefined = TOKEN): string {
  return accessOf(asking, token, equal);
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

const from = (remoteAddress: string | undefined, headers: Asking["headers"] = {}): Asking => ({
  remoteAddress,
  headers: { host: "127.0.0.1:9000", ...headers },
});

describe("the status is granted without a token", () => {
  it.each([undefined, "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])("to this machine: %s", (address) => {
    expect(access(from(address))).toBe("granted");
  });

  it.each([
    "127.0.0.1",
    "127.0.0.1:9000",
    "[::1]:9000",
    "192.0.2.1:9000",
    "localhost",
    "LocalHost:9000",
    "a.localhost",
    "",
  ])("under the name %j", (host) => {
    expect(access(from("127.0.0.1", { host }))).toBe("granted");
  });

  it("on a unix socket under any name", () => {
    expect(access(from(undefined, { host: "example.org" }))).toBe("granted");
  });
});

describe("a token is needed", () => {
  it.each(["192.0.2.1", "::ffff:192.0.2.1", "10.0.0.1", "2001:db8::1", "128.0.0.1"])("from %s", (address) => {
    expect(access(from(address))).toBe("token needed");
  });

  it.each(["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"])(
    "when a proxy has added %s, on whichever socket",
    (name) => {
      expect(access(from("127.0.0.1", { [name]: "anything" }))).toBe("token needed");
      expect(access(from(undefined, { [name]: "anything" }))).toBe("token needed");
    },
  );

  it.each(["example.org", "example.org:9000", "localhost.example.org", "127.0.0.1.example.org", "[::1", "a:b:c"])(
    "under the name %s, which a deceived browser could send",
    (host) => {
      expect(access(from("127.0.0.1", { host }))).toBe("token needed");
    },
  );

  it.each([
    ["the right one", `Bearer ${TOKEN}`, "granted"],
    ["the scheme in small letters", `bearer ${TOKEN}`, "granted"],
    ["a wrong one", "Bearer 0123456789abcdeF", "token needed"],
    ["more than the right one", `Bearer ${TOKEN}x`, "token needed"],
    ["two words", `Bearer ${TOKEN} ${TOKEN}`, "token needed"],
    ["the right one as a browser's password", basic(`:${TOKEN}`), "granted"],
    ["the right one as the password of anybody", basic(`ops:${TOKEN}`), "granted"],
    ["a wrong one as a password", basic(`ops:${TOKEN}x`), "token needed"],
    ["it as the name of a user", basic(`${TOKEN}:`), "token needed"],
    ["it as all of a pair", basic(TOKEN), "token needed"],
    ["an empty pair", basic(":"), "token needed"],
    ["a pair that is none", `Basic ${TOKEN}`, "token needed"],
    ["another scheme", `Digest ${TOKEN}`, "token needed"],
    ["the token alone", TOKEN, "token needed"],
    ["nothing", "", "token needed"],
  ])("with %s", (_, authorization, outcome) => {
    expect(access(from("192.0.2.1", { authorization }))).toBe(outcome);
    expect(access(from("127.0.0.1", { authorization, host: "example.org" }))).toBe(outcome);
  });
});

describe("where there is no token", () => {
  it("others are denied, whatever they say", () => {
    const asking = from("192.0.2.1", { authorization: `Bearer ${TOKEN}` });
    expect(accessOf(asking, undefined, equal)).toBe("denied");
    expect(accessOf(from("127.0.0.1"), undefined, equal)).toBe("granted");
  });
});
