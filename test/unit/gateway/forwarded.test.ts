import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressEntries, AddressList } from "../../../src/address-list.ts";
import { createEnviron } from "../../../src/gateway/environ.ts";
import type { ConnectionFacts } from "../../../src/gateway/exchange.ts";
import { requestUrl } from "../../../src/gateway/fetch/request-url.ts";
import { forwardedElements } from "../../../src/gateway/forwarded-header.ts";
import type { Environ } from "../../../src/gateway/types.ts";
import { FakeExchange, TCP, UNIX } from "./fake-exchange.ts";

type Headers = Readonly<Record<string, string>>;
interface Options {
  readonly trusted?: string;
  readonly connection?: ConnectionFacts;
}

/** What an application sees of a request that comes from the proxy 10.0.0.1, which is trusted, to 127.0.0.1:8000. */
function seen(headers: Headers, { trusted = "10.0.0.0/8", connection = fromProxy() }: Options = {}): Environ {
  const all = { Host: "app.example", ...headers };
  const exchange = new FakeExchange({ headers: Object.entries(all).flat(), connection });
  const errors = { write() {}, writelines() {}, flush() {} };
  const trustedPeers = new AddressList(addressEntries(trusted));
  const context = { multiprocess: false, errors, urlScheme: undefined, trustedPeers };
  return createEnviron(exchange, context, { signal: AbortSignal.abort() });
}

function fromProxy(remoteAddress = "10.0.0.1"): ConnectionFacts {
  return { ...TCP, remoteAddress, remotePort: "40000" };
}

const client = ({ REMOTE_ADDR, REMOTE_PORT }: Environ): (string | undefined)[] => [REMOTE_ADDR, REMOTE_PORT];
const server = (environ: Environ): (string | undefined)[] => [
  environ["gateway.url_scheme"],
  environ.HTTP_HOST,
  environ.SERVER_NAME,
  environ.SERVER_PORT,
];

const EVERYTHING = {
  "X-Forwarded-For": "192.0.2.7",
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "shop.example:8443",
  "X-Forwarded-Port": "8443",
};
const UNTOUCHED = ["http", "app.example", "127.0.0.1", "8000"];

describe("who is believed", () => {
  test("a proxy on the list", () => {
    const environ = seen(EVERYTHING);
    expect(client(environ)).toEqual(["192.0.2.7", undefined]);
    expect(server(environ)).toEqual(["https", "shop.example:8443", "shop.example", "8443"]);
    expect(requestUrl(environ)).toBe("https://shop.example:8443/");
  });

  test.each([
    ["somebody who is not on it", {}, fromProxy("192.0.2.1")],
    ["anybody, where the list is for nobody", { trusted: "none" }, fromProxy()],
    ["a peer that has gone and has no address any more", {}, { ...UNIX, isUnix: false }],
    ["a peer on a unix socket, where it is for nobody", { trusted: "none" }, UNIX],
  ])("not %s", (_, options, connection) => {
    const untouched = seen({}, { ...options, connection });
    for (const headers of [EVERYTHING, { Forwarded: "for=192.0.2.7;proto=https;host=shop.example" }]) {
      const environ = seen(headers, { ...options, connection });
      expect([...client(environ), ...server(environ)]).toEqual([...client(untouched), ...server(untouched)]);
    }
  });

  test("a peer on a unix socket", () => {
    const environ = seen(EVERYTHING, { connection: UNIX });
    expect(client(environ)).toEqual(["192.0.2.7", undefined]);
    expect(server(seen({ "X-Forwarded-Proto": "https" }, { connection: UNIX }))).toEqual([
      "https",
      "app.example",
      "app.example",
      "443",
    ]);
  });

  test("the headers stay as they came", () => {
    expect(seen(EVERYTHING).HTTP_X_FORWARDED_FOR).toBe("192.0.2.7");
    expect(seen(EVERYTHING, { trusted: "none" }).HTTP_X_FORWARDED_FOR).toBe("192.0.2.7");
  });
});

describe("the client", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7", undefined],
    ["198.51.100.9, 192.0.2.7", "192.0.2.7", undefined],
    ["192.0.2.7, 10.0.0.3, 10.0.0.2", "192.0.2.7", undefined],
    ["198.51.100.9, 192.0.2.7, 10.0.0.3", "192.0.2.7", undefined],
    ["10.0.0.5, 10.0.0.4", "10.0.0.5", undefined],
    ["192.0.2.7:4711", "192.0.2.7", "4711"],
    ["[2001:DB8::1]:4711", "2001:db8::1", "4711"],
    ["2001:db8::1", "2001:db8::1", undefined],
    ["::ffff:192.0.2.7", "192.0.2.7", undefined],
    ["192.0.2.7:0", "192.0.2.7", undefined],
    ["192.0.2.7:99999", "192.0.2.7", undefined],
    [" , 192.0.2.7 ,, ", "192.0.2.7", undefined],
    ["192.0.2.7, unix:", "192.0.2.7", undefined],
    ["unknown", undefined, undefined],
    ["_hidden", undefined, undefined],
    ["192.0.2.7, unknown", undefined, undefined],
    ["192.0.2.7, unknown, 10.0.0.2", undefined, undefined],
    ["localhost", undefined, undefined],
    ["192.0.2.7'--", undefined, undefined],
    ["fe80::1%eth0", undefined, undefined],
  ])("of X-Forwarded-For: %s is %s, port %s", (value, address, port) => {
    expect(client(seen({ "X-Forwarded-For": value }))).toEqual([address, port]);
  });

  test.each(["", " , "])("is the peer where X-Forwarded-For is %j", (value) => {
    expect(client(seen({ "X-Forwarded-For": value }))).toEqual(["10.0.0.1", "40000"]);
  });

  test("is the one at the far end where all are believed", () => {
    expect(client(seen({ "X-Forwarded-For": "192.0.2.7, 192.0.2.8" }, { trusted: "*" }))[0]).toBe("192.0.2.7");
  });

  test.each([
    ["for=192.0.2.7", "192.0.2.7", undefined],
    ['For="192.0.2.7:4711"', "192.0.2.7", "4711"],
    ['for="[2001:db8::1]:4711"', "2001:db8::1", "4711"],
    ["for=192.0.2.7:4711", "192.0.2.7", "4711"],
    ["for=198.51.100.9, for=192.0.2.7;by=10.0.0.9, for=10.0.0.2", "192.0.2.7", undefined],
    ["for=unknown", undefined, undefined],
    ['for="_hidden:_port"', undefined, undefined],
    ["for=192.0.2.7, proto=https", undefined, undefined],
    ["proto=https", "10.0.0.1", "40000"],
    // Broken: nobody is taken for the proxy because of it.
    ['for="192.0.2.7', undefined, undefined],
    ["for=192.0.2.7;for=192.0.2.8", undefined, undefined],
    ["for = 192.0.2.7", undefined, undefined],
    ['for=", for="[2001:db8::1]"', undefined, undefined],
    ["nonsense", undefined, undefined],
  ])("of Forwarded: %s is %s, port %s", (value, address, port) => {
    expect(client(seen({ Forwarded: value }))).toEqual([address, port]);
  });
});

describe("the server", () => {
  test.each<[Headers, (string | undefined)[]]>([
    [{ "X-Forwarded-Proto": "https" }, ["https", "app.example", "127.0.0.1", "8000"]],
    [{ "X-Forwarded-Proto": "HTTPS" }, ["https", "app.example", "127.0.0.1", "8000"]],
    [{ "X-Forwarded-Proto": "wss" }, ["https", "app.example", "127.0.0.1", "8000"]],
    [{ "X-Forwarded-Host": "shop.example" }, ["http", "shop.example", "shop.example", "80"]],
    [
      { "X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "https" },
      ["https", "shop.example", "shop.example", "443"],
    ],
    [{ "X-Forwarded-Host": "[2001:db8::1]:81" }, ["http", "[2001:db8::1]:81", "[2001:db8::1]", "81"]],
    [{ "X-Forwarded-Port": "8443" }, ["http", "app.example", "127.0.0.1", "8443"]],
    [{ Forwarded: "for=192.0.2.7;proto=https;host=shop.example" }, ["https", "shop.example", "shop.example", "443"]],
    // The element that names the client counts, not what it has written before nor what others say of themselves.
    [
      { Forwarded: "for=198.51.100.9;proto=https;host=evil.example, for=192.0.2.7, for=10.0.0.2;proto=https" },
      UNTOUCHED,
    ],
  ])("of %j", (headers, expected) => {
    expect(server(seen(headers))).toEqual(expected);
  });

  test.each<Headers>([
    { "X-Forwarded-Proto": "gopher" },
    { "X-Forwarded-Proto": "__proto__" },
    { "X-Forwarded-Proto": "" },
    { "X-Forwarded-Host": "shop.example/path" },
    { "X-Forwarded-Host": "user@shop.example" },
    { "X-Forwarded-Host": ":80" },
    { "X-Forwarded-Port": "0" },
    { "X-Forwarded-Port": "65536" },
    { "X-Forwarded-Port": "80 x" },
    { Forwarded: 'for=192.0.2.7;proto=gopher;host="a b"' },
  ])("is what it was with %j", (headers) => {
    expect(server(seen(headers))).toEqual(UNTOUCHED);
  });
});

describe("what contradicts itself", () => {
  test("of several values the nearest proxy's counts", () => {
    const values = {
      "X-Forwarded-Proto": "https, http",
      "X-Forwarded-Host": "evil.example, shop.example",
      "X-Forwarded-Port": "1, 81",
    };
    expect(server(seen(values))).toEqual(["http", "shop.example", "shop.example", "81"]);
  });

  test("a port beside a host that names another is that of the server, and the host stays", () => {
    const environ = seen({ "X-Forwarded-Host": "shop.example:8443", "X-Forwarded-Port": "81" });
    expect(server(environ)).toEqual(["http", "shop.example:8443", "shop.example", "81"]);
  });

  test.each(["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"] as const)(
    "Forwarded is not read beside %s",
    (name) => {
      const headers = { [name]: EVERYTHING[name] };
      const forwarded = "for=198.51.100.9;proto=https;host=evil.example";
      const environ = seen({ ...headers, Forwarded: forwarded });
      expect([...client(environ), ...server(environ)]).toEqual([...client(seen(headers)), ...server(seen(headers))]);
    },
  );
});

describe("whatever a client writes", () => {
  const text = fc.string({ unit: fc.constantFrom(...'1.:,; ="\\[]_forunkwhost/ab0\t'.split("")), maxLength: 40 });

  test("before what its proxy has appended changes nothing", () => {
    const honest = client(seen({ "X-Forwarded-For": "192.0.2.7, 10.0.0.2" }));
    const byAnybody = (value: string): void => {
      expect(client(seen({ "X-Forwarded-For": `${value}, 192.0.2.7, 10.0.0.2` }))).toEqual(honest);
    };
    fc.assert(fc.property(text, byAnybody));
  });

  test("in Forwarded it is at most nobody", () => {
    fc.assert(
      fc.property(text, (value) => {
        const environ = seen({ Forwarded: `${value}, for="192.0.2.7";proto=http` });
        expect(["192.0.2.7", undefined]).toContain(environ.REMOTE_ADDR);
        expect(server(environ)).toEqual(UNTOUCHED);
      }),
    );
  });

  test("in any header, from somebody whom nobody trusts, changes nothing", () => {
    const names = fc.constantFrom(...Object.keys(EVERYTHING), "Forwarded");
    const connection = fromProxy("192.0.2.1");
    fc.assert(
      fc.property(fc.dictionary(names, text), (headers) => {
        const environ = seen(headers, { connection });
        expect([...client(environ), ...server(environ)]).toEqual(["192.0.2.1", "40000", ...UNTOUCHED]);
      }),
    );
  });
});

describe("the field value of Forwarded", () => {
  test("is taken apart as it was put together", () => {
    const value = fc.string({ unit: fc.constantFrom(...'ab,;=" \\[]:'.split("")), minLength: 1, maxLength: 8 });
    const element = fc.dictionary(fc.constantFrom("for", "by", "host", "proto"), value, { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
        const written = elements.map((each) =>
          Object.entries(each)
            .map(([name, said]) => `${name}="${said.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
            .join(";"),
        );
        const read = forwardedElements(written.join(", "))?.map((each) => Object.fromEntries(each));
        expect(read).toEqual(elements.map((each) => ({ ...each })));
      }),
    );
  });

  test("of any text is read or refused, in time that grows with its length", () => {
    fc.assert(fc.property(fc.string(), (value) => void forwardedElements(value)));
    expect(forwardedElements(`${"for=a,".repeat(10_000)}for="${"\\".repeat(9999)}`)).toBeUndefined();
  });
});
