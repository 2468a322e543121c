/** Files over the gateway's own core, with the validator in front and behind. */

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { staticFiles } from "../../../../src/gateway/middleware/index.ts";
import { StaticFiles, type StaticFilesOptions } from "../../../../src/gateway/middleware/static/static-files.ts";
import { validator } from "../../../../src/gateway/validator/index.ts";
import type { Application } from "../../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "../fake-exchange.ts";
import { lines } from "./bodies.ts";

let base = "";
let root = "";
const TEXT = "0123456789";
/** Old enough for everything to be kept in memory. */
const later = (): number => Date.now() + 60_000;

beforeAll(() => {
  base = mkdtempSync(path.join(tmpdir(), "tsgate-static-"));
  root = path.join(base, "public");
  mkdirSync(path.join(root, "docs"), { recursive: true });
  mkdirSync(path.join(root, "empty"));
  mkdirSync(path.join(root, ".well-known"));
  mkdirSync(path.join(root, ".hidden"));
  mkdirSync(path.join(base, "private"));
  for (const [name, text] of Object.entries({
    "public/a.txt": TEXT,
    "public/page.html": "<p>",
    "public/none": "",
    "public/app.js": "plain js",
    "public/app.js.br": "as br",
    "public/app.js.gz": "as gzip",
    "public/docs/index.html": "the docs",
    "public/index.html": "home",
    "public/.env": "SECRET=1",
    "public/.well-known/token": "token",
    "public/.hidden/secret.txt": "secret",
    "public/data.constructor": "x",
    "private/secret.txt": "secret",
  }))
    writeFileSync(path.join(base, name), text);
  writeFileSync(path.join(root, "big.bin"), Buffer.alloc(200_000, "ab"));
  symlinkSync("../private/secret.txt", path.join(root, "link-out"));
  symlinkSync("/etc/hostname", path.join(root, "link-far"));
  symlinkSync("../private", path.join(root, "folder-out"));
  symlinkSync("a.txt", path.join(root, "link-in"));
  symlinkSync(".env", path.join(root, "link-hidden"));
  symlinkSync("../.hidden/secret.txt", path.join(root, ".well-known/link-hidden"));
  symlinkSync("../a.txt", path.join(root, ".well-known/link-in"));
  symlinkSync("loop", path.join(root, "loop"));
  execFileSync("mkfifo", [path.join(root, "fifo")]);
  symlinkSync("/dev/zero", path.join(root, "device"));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

const application: Application = (environ, startResponse) => {
  startResponse(404, [["Content-Type", "text/plain"]]);
  return environ.REQUEST_METHOD === "HEAD" ? [] : ["of the application"];
};

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly files?: Application;
}

const serving = (options: Partial<StaticFilesOptions> = {}): Application =>
  validator(staticFiles({ directory: root, ...options })(validator(application)));

/** As `serving`, but everything counts as unchanged for long. */
function cached(): Application {
  const files = new StaticFiles({ directory: root }, later);
  return (environ, startResponse) => {
    const reply = files.replyTo(environ);
    const send = (found: Awaited<typeof reply>): ReturnType<Application> => {
      if (found === undefined) return application(environ, startResponse);
      startResponse(found.status, found.headers);
      return found.body;
    };
    return reply instanceof Promise ? reply.then(send) : send(reply);
  };
}

async function ask(
  target: string,
  { method = "GET", headers = {}, files = serving() }: Asked = {},
): Promise<FakeExchange> {
  const flat = Object.entries(headers).flat();
  const exchange = run(files, new FakeExchange({ target, method, headers: ["Host", "a", ...flat] }));
  expect(await exchange.done).toBe("end");
  expect(exchange.errors).toEqual([]);
  return exchange;
}

const header = (exchange: FakeExchange, name: string): string | undefined =>
  lines(exchange)
    .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))
    ?.slice(name.length + 2);

describe("a file", () => {
  test("is answered with what describes it", async () => {
    const exchange = await ask("/a.txt?v=1");
    expect([exchange.status, exchange.body, exchange.length]).toEqual([200, TEXT, 10]);
    expect(lines(exchange)).toEqual([
      expect.stringMatching(/^ETag: "[\da-z]+-a"$/),
      expect.stringMatching(/^Last-Modified: \w{3}, .* GMT$/),
      "Cache-Control: no-cache",
      "Content-Type: text/plain; charset=utf-8",
      "Accept-Ranges: bytes",
    ]);
  });

  test("leaves in one piece, at once when it is known", async () => {
    const files = cached();
    await ask("/a.txt", { files });
    const exchange = run(files, { target: "/a.txt" });
    expect(exchange.verbs).toEqual(["head 200", `end ${TEXT}`]);
  });

  test("to a HEAD is its head alone", async () => {
    const exchange = await ask("/a.txt", { method: "HEAD" });
    expect([exchange.status, exchange.length, exchange.body]).toEqual([200, 10, ""]);
  });

  test("that is empty has no bytes", async () => {
    expect((await ask("/none")).verbs).toEqual(["head 200", "end"]);
  });

  test("that is large is read while it is sent, and not before", async () => {
    const exchange = new FakeExchange({ target: "/big.bin" });
    exchange.hasRoom = false;
    run(serving(), exchange);
    await exchange.recorded(2);
    expect([exchange.length, exchange.body.length]).toEqual([200_000, 65_536]);
    exchange.hasRoom = true;
    exchange.drain();
    expect(await exchange.done).toBe("end");
    expect(exchange.body).toBe("ab".repeat(100_000));
  });

  test.each([
    ["/page.html", "text/html; charset=utf-8"],
    ["/app.js", "text/javascript; charset=utf-8"],
    ["/none", "application/octet-stream"],
    ["/data.constructor", "application/octet-stream"],
    ["/app.js.gz", "application/gzip"],
  ])("%s is %s", async (target, type) => {
    expect(header(await ask(target), "content-type")).toBe(type);
  });

  test("may be below a prefix, from a URL, with a Cache-Control of its own", async () => {
    const files = serving({
      directory: pathToFileURL(root),
      prefix: "/assets",
      cacheControl: (name) => (name === "a.txt" ? "max-age=60" : undefined),
    });
    expect(header(await ask("/assets/a.txt", { files }), "cache-control")).toBe("max-age=60");
    expect(header(await ask("/assets/page.html", { files }), "cache-control")).toBeUndefined();
    expect((await ask("/a.txt", { files })).body).toBe("of the application");
  });
});

test.skipIf(process.platform !== "linux")(
  "a client that leaves costs no descriptor (seen on Linux alone)",
  async () => {
    const isOpen = (): boolean =>
      readdirSync("/proc/self/fd").some((fd) => linkOf(`/proc/self/fd/${fd}`)?.endsWith("big.bin") === true);
    const exchange = new FakeExchange({ target: "/big.bin" });
    exchange.hasRoom = false;
    run(serving(), exchange);
    await exchange.recorded(2);
    expect(isOpen()).toBe(true);
    exchange.leave();
    while (isOpen()) await new Promise(setImmediate);
  },
);

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    // Closed since it was listed.
    return undefined;
  }
}

describe("no file", () => {
  test.each([
    "/missing",
    "/a.txt/",
    "/a.txt/x",
    "/empty/",
    "/empty",
    "/.env",
    "/docs/../a.txt",
    "/%2e%2e/private/secret.txt",
    "/..%2fprivate%2fsecret.txt",
    "/..%5cprivate%5csecret.txt",
    "/%252e%252e/private/secret.txt",
    "/%c0%ae%c0%ae/private/secret.txt",
    "/a.txt%00",
    "/docs%2findex.html",
    "//a.txt",
    "/link-out",
    "/link-far",
    "/folder-out/secret.txt",
    "/folder-out",
    "/folder-out/",
    "/link-hidden",
    "/.well-known/link-hidden",
    "/loop",
    "/fifo",
    "/device",
    `/${"x".repeat(300)}`,
    `/${"x/".repeat(3000)}`,
  ])("%s is the application's", async (target) => {
    for (const files of [serving(), cached()]) {
      expect((await ask(target, { files })).body).toBe("of the application");
      expect((await ask(target, { files })).body).toBe("of the application");
    }
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("and no %s is answered but by the application", async (method) => {
    expect((await ask("/a.txt", { method })).body).toBe("of the application");
  });

  test("is 404, another method 405, where nobody is behind", async () => {
    const files = serving({ fallthrough: false });
    expect((await ask("/missing", { files })).status).toBe(404);
    expect((await ask("/.env", { files })).status).toBe(404);
    expect((await ask("/missing", { files, method: "POST" })).status).toBe(404);
    const refused = await ask("/a.txt", { files, method: "POST" });
    expect([refused.status, header(refused, "allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("a link inside is followed, and /.well-known is not hidden", async () => {
    expect((await ask("/link-in")).body).toBe(TEXT);
    expect((await ask("/.well-known/token")).body).toBe("token");
    expect((await ask("/.well-known/link-in")).body).toBe(TEXT);
  });

  test.skipIf(process.getuid?.() === 0)(
    "a file that may not be read is 403 (skipped for root, who may read all)",
    async () => {
      const file = path.join(root, "closed.txt");
      writeFileSync(file, "x");
      chmodSync(file, 0);
      expect((await ask("/closed.txt")).status).toBe(403);
      unlinkSync(file);
    },
  );

  test("a folder that is not there leaves everything to the application", async () => {
    const files = serving({ directory: path.join(base, "nowhere") });
    expect((await ask("/a.txt", { files })).body).toBe("of the application");
  });
});

describe("a folder", () => {
  test("answers with its page, and sends there who forgot the slash", async () => {
    expect((await ask("/")).body).toBe("home");
    expect((await ask("/docs/")).body).toBe("the docs");
    const redirect = await ask("/docs?x=1");
    expect([redirect.status, header(redirect, "location")]).toEqual([301, "/docs/?x=1"]);
    const files = serving({ prefix: "/assets" });
    expect(header(await ask("/assets", { files }), "location")).toBe("/assets/");
    expect((await ask("/assets/", { files })).body).toBe("home");
  });

  test("has another page, or none", async () => {
    expect((await ask("/", { files: serving({ index: "page.html" }) })).body).toBe("<p>");
    expect((await ask("/docs/", { files: serving({ index: false }) })).body).toBe("of the application");
    expect((await ask("/docs", { files: serving({ index: false }) })).body).toBe("of the application");
  });
});

describe("a condition", () => {
  const future = new Date(Date.now() + 86_400_000).toUTCString();
  const past = "Sun, 06 Nov 1994 08:49:37 GMT";

  test.each([
    ["If-None-Match", "ETAG", 304],
    ["If-None-Match", "W/ETAG", 304],
    ["If-None-Match", '"x", ETAG', 304],
    ["If-None-Match", "*", 304],
    ["If-None-Match", '"x"', 200],
    ["If-None-Match", "x", 200],
    ["If-Modified-Since", future, 304],
    ["If-Modified-Since", "DATE", 304],
    ["If-Modified-Since", past, 200],
    ["If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT", 200],
    ["If-Modified-Since", "Sun Nov  6 08:49:37 1994", 200],
    ["If-Modified-Since", "tomorrow", 200],
    ["If-Match", "ETAG", 200],
    ["If-Match", "*", 200],
    ["If-Match", "W/ETAG", 412],
    ["If-Match", '"x"', 412],
    ["If-Unmodified-Since", future, 200],
    ["If-Unmodified-Since", past, 412],
    ["If-Unmodified-Since", "nonsense", 200],
  ])("%s: %s is %i", async (name, value, status) => {
    const first = await ask("/a.txt");
    const etag = header(first, "etag") as string;
    const date = header(first, "last-modified") as string;
    for (const method of ["GET", "HEAD"]) {
      const asked = { method, headers: { [name]: value.replace("ETAG", etag).replace("DATE", date) } };
      const exchange = await ask("/a.txt", asked);
      expect(exchange.status).toBe(status);
      expect(header(exchange, "etag")).toBe(etag);
      if (status === 304) expect([exchange.body, header(exchange, "content-type")]).toEqual(["", undefined]);
    }
  });

  test("by tag counts more than by date", async () => {
    const exchange = await ask("/a.txt", { headers: { "If-None-Match": '"x"', "If-Modified-Since": future } });
    expect(exchange.status).toBe(200);
  });
});

describe("a range", () => {
  test.each(["kept", "read"])("of a file that is %s", async (how) => {
    const files = how === "kept" ? cached() : serving();
    const target = how === "kept" ? "/a.txt" : "/big.bin";
    const size = how === "kept" ? 10 : 200_000;
    const exchange = await ask(target, { files, headers: { Range: "bytes=-4" } });
    expect([exchange.status, exchange.length]).toEqual([206, 4]);
    expect(header(exchange, "content-range")).toBe(`bytes ${size - 4}-${size - 1}/${size}`);
    expect(exchange.body).toBe(how === "kept" ? "6789" : "abab");
    const several = await ask(target, { files, headers: { Range: "bytes=0-1,4-5" } });
    expect([several.status, several.length]).toEqual([206, several.body.length]);
    const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/.exec(header(several, "content-type") ?? "") ?? [];
    const type = how === "kept" ? "text/plain; charset=utf-8" : "application/octet-stream";
    const part = (range: string, text: string): string =>
      `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${range}/${size}\r\n\r\n${text}\r\n`;
    const [first, second] = how === "kept" ? ["01", "45"] : ["ab", "ab"];
    expect(several.body).toBe(`${part("0-1", first)}${part("4-5", second)}--${boundary}--\r\n`);
  });

  test("that cannot be had is 416, one that is malformed is ignored", async () => {
    const refused = await ask("/a.txt", { headers: { Range: "bytes=10-" } });
    expect([refused.status, header(refused, "content-range")]).toEqual([416, "bytes */10"]);
    for (const Range of ["bytes=5-2", "bytes=x", "lines=1-2"])
      expect((await ask("/a.txt", { headers: { Range } })).status).toBe(200);
  });

  test("is not for HEAD, nor for another version than If-Range names", async () => {
    const first = await ask("/a.txt");
    const etag = header(first, "etag") as string;
    const date = header(first, "last-modified") as string;
    const statusOf = async (ifRange: string, method = "GET"): Promise<number | undefined> =>
      (await ask("/a.txt", { method, headers: { Range: "bytes=0-1", "If-Range": ifRange } })).status;
    expect(await statusOf(etag)).toBe(206);
    expect(await statusOf(date)).toBe(206);
    expect(await statusOf(etag, "HEAD")).toBe(200);
    expect(await statusOf('"x"')).toBe(200);
    expect(await statusOf(`W/${etag}`)).toBe(200);
    expect(await statusOf("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(200);
  });
});

describe("a precompressed file", () => {
  test.each([
    ["br, gzip", "as br", "br"],
    ["gzip, deflate, br;q=0.5", "as gzip", "gzip"],
    ["br;q=0, gzip", "as gzip", "gzip"],
    ["identity;q=1, br;q=0.5", "plain js", undefined],
    ["zstd", "plain js", undefined],
    ["*", "as br", "br"],
    ["", "plain js", undefined],
  ])("for %j", async (accept, body, coding) => {
    for (const files of [serving(), cached()]) {
      const exchange = await ask("/app.js", { files, headers: { "Accept-Encoding": accept } });
      expect([exchange.body, header(exchange, "content-encoding")]).toEqual([body, coding]);
      expect(header(exchange, "vary")).toBe("Accept-Encoding");
      expect(header(exchange, "content-type")).toBe("text/javascript; charset=utf-8");
    }
  });

  test("has a tag of its own, by which it is known again", async () => {
    const headers = { "Accept-Encoding": "br" };
    const tag = header(await ask("/app.js", { headers }), "etag") as string;
    expect(tag).not.toBe(header(await ask("/app.js"), "etag"));
    const again = await ask("/app.js", { headers: { ...headers, "If-None-Match": tag } });
    expect([again.status, header(again, "vary")]).toEqual([304, "Accept-Encoding"]);
  });

  test("is not said to vary where there is none", async () => {
    expect(header(await ask("/a.txt", { headers: { "Accept-Encoding": "br" } }), "vary")).toBeUndefined();
  });

  test("outside of the folder is none", async () => {
    const link = path.join(root, "a.txt.gz");
    symlinkSync("../private/secret.txt", link);
    try {
      expect((await ask("/a.txt", { headers: { "Accept-Encoding": "gzip" } })).body).toBe(TEXT);
    } finally {
      unlinkSync(link);
    }
  });
});

describe("a file that changes", () => {
  const changing = (): string => path.join(root, "changing.txt");

  test("is seen at the next request, whatever is kept: replaced, rewritten, removed, made", async () => {
    const files = cached();
    const bodyOf = async (): Promise<string> => (await ask("/changing.txt", { files })).body;
    writeFileSync(changing(), "one");
    expect([await bodyOf(), await bodyOf()]).toEqual(["one", "one"]);
    writeFileSync(`${changing()}.new`, "two");
    renameSync(`${changing()}.new`, changing());
    expect(await bodyOf()).toBe("two");
    writeFileSync(changing(), "three");
    expect(await bodyOf()).toBe("three");
    unlinkSync(changing());
    expect([await bodyOf(), await bodyOf()]).toEqual(["of the application", "of the application"]);
    mkdirSync(changing());
    expect(await bodyOf()).toBe("of the application");
    rmSync(changing(), { recursive: true });
    symlinkSync("../private/secret.txt", changing());
    expect(await bodyOf()).toBe("of the application");
    unlinkSync(changing());
    writeFileSync(changing(), "four");
    expect(await bodyOf()).toBe("four");
  });

  test("in its last moments is read each time: a change without a trace is seen too", async () => {
    const files = serving();
    const time = new Date();
    for (const text of ["one", "two"]) {
      writeFileSync(changing(), text);
      utimesSync(changing(), time, time);
      expect((await ask("/changing.txt", { files })).body).toBe(text);
    }
  });

  const changes: Readonly<Record<string, (file: string) => void>> = {
    shrinks: (file) => truncateSync(file, 100_000),
    "is emptied": (file) => truncateSync(file, 0),
    "is written over": (file) => writeFileSync(file, Buffer.alloc(200_000, "xy")),
    grows: (file) => appendFileSync(file, "more"),
  };

  test.each(Object.entries(changes))("while it is sent and %s never ends cleanly", async (_, change) => {
    const file = path.join(root, "sent.bin");
    writeFileSync(file, Buffer.alloc(200_000, "ab"));
    // Or both changes could fall in one tick of the clock that files are stamped by.
    utimesSync(file, 1, 1);
    const exchange = new FakeExchange({ target: "/sent.bin" });
    exchange.hasRoom = false;
    run(serving(), exchange);
    await exchange.recorded(2);
    change(file);
    exchange.hasRoom = true;
    exchange.drain();
    expect(await exchange.done).toBe("destroy");
    expect(onlyError(exchange)).toMatch(/sent\.bin (was changed|has become shorter) while it was sent$/);
  });

  test.each(["is removed", "is replaced"])("while it is sent and %s is sent as it was", async (how) => {
    const file = path.join(root, "sent.bin");
    writeFileSync(file, Buffer.alloc(200_000, "ab"));
    writeFileSync(`${file}.new`, "new");
    const exchange = new FakeExchange({ target: "/sent.bin" });
    exchange.hasRoom = false;
    run(serving(), exchange);
    await exchange.recorded(2);
    if (how === "is removed") unlinkSync(file);
    else renameSync(`${file}.new`, file);
    exchange.hasRoom = true;
    exchange.drain();
    expect(await exchange.done).toBe("end");
    expect(exchange.body).toBe("ab".repeat(100_000));
  });
});
