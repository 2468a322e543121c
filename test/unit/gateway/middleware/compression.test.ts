import { Readable } from "node:stream";
import zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { compression, type CompressionOptions } from "../../../../src/gateway/middleware/index.ts";
import { validator } from "../../../../src/gateway/validator/index.ts";
import type { Application, Body, Chunk, HeaderList } from "../../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "../fake-exchange.ts";
import { answering, type Deeds, lines, watched } from "./bodies.ts";

/** As the fake, but the bytes are kept as they are. */
class ByteExchange extends FakeExchange {
  readonly chunks: Uint8Array[] = [];

  override write(chunk: Chunk): boolean {
    this.chunks.push(Buffer.from(chunk as string));
    return super.write("x");
  }

  override end(chunk?: Chunk): void {
    if (chunk !== undefined) this.chunks.push(Buffer.from(chunk as string));
    super.end();
  }
}

/** What the types of the oldest supported Node lack. */
interface Zstd {
  zstdDecompressSync(bytes: Uint8Array): Buffer;
  createZstdDecompress(): zlib.Gunzip;
}

const hasZstd = "zstdDecompressSync" in zlib;
const decoders: Record<string, (bytes: Uint8Array) => Buffer> = {
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  gzip: (bytes) => zlib.gunzipSync(bytes),
  ...(hasZstd ? { zstd: (bytes) => (zlib as unknown as Zstd).zstdDecompressSync(bytes) } : {}),
};

const TYPE = ["Content-Type", "text/plain; charset=utf-8"] as const;
const LONG = "all work and no play makes a dull text. ".repeat(100);

interface Asked {
  readonly accept?: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly options?: CompressionOptions;
}

function begin(
  application: Application,
  { accept = "gzip", method = "GET", headers = [], options }: Asked = {},
): ByteExchange {
  const list = ["Host", "a", "Accept-Encoding", accept, ...headers];
  const exchange = new ByteExchange({ method, headers: list });
  run(validator(compression(options)(validator(application))), exchange);
  return exchange;
}

async function ask(application: Application, asked?: Asked): Promise<ByteExchange> {
  const exchange = begin(application, asked);
  expect(await exchange.done).toBe("end");
  expect(exchange.errors).toEqual([]);
  return exchange;
}

const textOf = ({ chunks }: ByteExchange, coding: string): string | undefined =>
  decoders[coding]?.(Buffer.concat(chunks)).toString();

describe("a reply", () => {
  test.each(Object.keys(decoders))("is compressed with %s, list, stream or generator", async (coding) => {
    const bodies: (() => Body)[] = [
      () => [LONG, LONG],
      () => Readable.from([LONG, Buffer.from(LONG)]) as Body,
      () => watched([], [LONG, "", LONG], false),
      () => watched([], [LONG, "", LONG], true),
    ];
    for (const body of bodies) {
      const headers = [TYPE, ["ETag", '"a"'], ["Accept-Ranges", "bytes"], ["X-Own", "1"]] as const;
      const exchange = await ask(answering(body, headers), { accept: coding });
      expect(textOf(exchange, coding)).toBe(LONG + LONG);
      expect(lines(exchange)).toEqual([
        `Content-Type: ${TYPE[1]}`,
        'ETag: W/"a"',
        "X-Own: 1",
        "Vary: Accept-Encoding",
        `Content-Encoding: ${coding}`,
      ]);
      expect(exchange.length).toBeUndefined();
      expect(Buffer.concat(exchange.chunks).length).toBeLessThan(1000);
    }
  });

  test("whose head comes with the first chunk is compressed too", async () => {
    const exchange = await ask(function* (_, startResponse) {
      yield "";
      startResponse(200, [TYPE]);
      yield LONG;
    } as Application);
    expect(textOf(exchange, "gzip")).toBe(LONG);
  });

  const untouched: readonly [string, HeaderList, number, string, readonly string[]][] = [
    ["small", [TYPE], 200, "short", []],
    ["small by its own word", [TYPE, ["Content-Length", "5"]], 200, "short", []],
    ["encoded already", [TYPE, ["Content-Encoding", "br"]], 200, LONG, []],
    ["marked no-transform", [TYPE, ["Cache-Control", "public, no-transform"]], 200, LONG, []],
    ["a range", [TYPE, ["Content-Range", "bytes 0-1/9"]], 206, LONG, []],
    ["whole though a range was asked for", [TYPE], 200, LONG, ["Range", "bytes=0-1"]],
    ["a picture", [["Content-Type", "image/png"]], 200, LONG, []],
    ["of no type", [], 200, LONG, []],
    ["signed with a digest", [TYPE, ["Content-Digest", "sha-256=:x:"]], 200, LONG, []],
  ];

  test.each(untouched)("that is %s stays as it is", async (_, headers, status, body, asked) => {
    const exchange = await ask(
      answering(() => [body], headers, status),
      { headers: asked },
    );
    expect(Buffer.concat(exchange.chunks).toString()).toBe(body);
    const own = headers.filter(([name]) => name !== "Content-Length").map(([name, value]) => `${name}: ${value}`);
    expect(lines(exchange)).toEqual(own);
  });

  test.each([204, 304])("of status %i stays as it is", async (status) => {
    expect(lines(await ask(answering(() => [], [["ETag", '"a"']], status)))).toEqual(['ETag: "a"']);
  });

  test("that could be compressed says so to caches, also to those who do not take it", async () => {
    for (const accept of ["", "identity", "deflate", "gzip;q=0"]) {
      const exchange = await ask(
        answering(() => [LONG], [TYPE, ["Vary", "Cookie"]]),
        { accept },
      );
      expect(Buffer.concat(exchange.chunks).toString()).toBe(LONG);
      expect(lines(exchange)).toContain("Vary: Cookie, Accept-Encoding");
    }
    const starred = await ask(answering(() => [LONG], [TYPE, ["Vary", "*"]]));
    expect(lines(starred)).toContain("Vary: *");
  });

  test("to a HEAD has the head of a GET", async () => {
    const exchange = await ask(
      answering(() => [], [TYPE, ["Content-Length", "4000"]]),
      { method: "HEAD" },
    );
    expect(lines(exchange)).toContain("Content-Encoding: gzip");
    expect([exchange.length, exchange.chunks]).toEqual([undefined, []]);
  });

  test("is compressed as the client prefers, then as the server does", async () => {
    const codingOf = async (accept: string, options?: CompressionOptions): Promise<string | undefined> =>
      lines(
        await ask(
          answering(() => [LONG], [TYPE]),
          { accept, ...(options && { options }) },
        ),
      )
        .find((line) => line.startsWith("Content-Encoding"))
        ?.slice(18);
    expect(await codingOf("gzip, br")).toBe("br");
    expect(await codingOf("gzip, br;q=0.9")).toBe("gzip");
    expect(await codingOf("gzip, br", { codings: ["gzip"] })).toBe("gzip");
    expect(await codingOf("*")).toBe(hasZstd ? "zstd" : "br");
    expect(await codingOf("gzip;q=0.5, identity")).toBeUndefined();
  });
});

describe("a stream", () => {
  test.each(Object.keys(decoders))("can be read with %s as it is written, one chunk at a time", async (coding) => {
    const deeds: Deeds = [];
    const exchange = new ByteExchange({ headers: ["Host", "a", "Accept-Encoding", coding] });
    exchange.hasRoom = false;
    const body = (): Body => watched(deeds, ["data: 1\n\n", "data: 2\n\n"], true);
    run(compression()(answering(body, [["Content-Type", "text/event-stream"]])), exchange);
    await exchange.recorded(2);
    expect(deeds).toEqual(["pull 1"]);
    expect(await partOf(exchange.chunks[0] as Uint8Array, coding)).toBe("data: 1\n\n");
    exchange.hasRoom = true;
    exchange.drain();
    expect(await exchange.done).toBe("end");
    expect(textOf(exchange, coding)).toBe("data: 1\n\ndata: 2\n\n");
    expect(deeds).toEqual(["pull 1", "pull 2", "close"]);
  });

  test("that breaks is not ended cleanly, and is closed once", async () => {
    const deeds: Deeds = [];
    const exchange = begin(answering(() => watched(deeds, [LONG, new Error("broke")], true), [TYPE]));
    expect(await exchange.done).toBe("destroy");
    expect(onlyError(exchange)).toBe("broke");
    expect(deeds).toEqual(["pull 1", "pull 2", "close"]);
  });

  test("is closed at once when the client leaves", async () => {
    const deeds: Deeds = [];
    const exchange = new ByteExchange({ headers: ["Host", "a", "Accept-Encoding", "gzip"] });
    exchange.hasRoom = false;
    run(compression()(answering(() => watched(deeds, [LONG, LONG], true), [TYPE])), exchange);
    await exchange.recorded(2);
    exchange.leave();
    expect(deeds).toEqual(["pull 1", "close"]);
    await new Promise(setImmediate);
    expect(exchange.errors).toEqual([]);
  });
});

test("refuses a coding that this Node has not", () => {
  const codings = ["deflate"] as unknown as NonNullable<CompressionOptions["codings"]>;
  expect(() => compression({ codings })).toThrow("this Node cannot compress with deflate");
});

/** What a client can read of a compressed stream that has not ended. */
async function partOf(bytes: Uint8Array, coding: string): Promise<string> {
  const create: Record<string, () => zlib.Gunzip> = {
    br: () => zlib.createBrotliDecompress(),
    gzip: () => zlib.createGunzip(),
    zstd: () => (zlib as unknown as Zstd).createZstdDecompress(),
  };
  const stream = (create[coding] as () => zlib.Gunzip)();
  stream.write(bytes);
  for await (const part of stream) return String(part);
  return "";
}
