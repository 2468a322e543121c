import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileWrapper } from "../../../src/gateway/file-wrapper.ts";
import type { Environ, FileLike, StartResponse } from "../../../src/gateway/types.ts";
import { onlyError, run } from "./fake-exchange.ts";

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "tsgate-file-wrapper-"));
  path = join(directory, "file.txt");
  writeFileSync(path, "0123456789");
});
afterAll(() => rmSync(directory, { recursive: true }));

async function blocks(file: FileLike, blockSize?: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const chunk of fileWrapper(file, blockSize)) seen.push(Buffer.from(chunk as string).toString());
  return seen;
}

describe("file_wrapper", () => {
  test("sends a file by its path or URL, in blocks", async () => {
    expect(await blocks(path, 4)).toEqual(["0123", "4567", "89"]);
    expect(await blocks(pathToFileURL(path))).toEqual(["0123456789"]);
  });

  test("starts where a FileHandle stands and closes it", async () => {
    const handle = await open(path);
    await handle.read(Buffer.alloc(3), 0, 3, null);
    const body = fileWrapper(handle);
    const seen: string[] = [];
    for await (const chunk of body) seen.push(Buffer.from(chunk as Uint8Array).toString());
    expect(seen).toEqual(["3456789"]);
    await body.close();
    expect(handle.fd).toBe(-1);
  });

  test("works with anything that has read(size), sync or async", async () => {
    const sizes: number[] = [];
    const parts = ["ab", "c"];
    expect(await blocks({ read: (size) => (sizes.push(size), parts.shift() ?? null) }, 7)).toEqual(["ab", "c"]);
    expect(sizes).toEqual([7, 7, 7]);
    const more = ["x", ""];
    expect(await blocks({ read: async () => more.shift() })).toEqual(["x"]);
  });

  test("takes a Node stream; an empty piece is not its end", async () => {
    expect(await blocks(Readable.from(["a", "", "b"]))).toEqual(["a", "b"]);
  });

  test("destroys a stream that is left", async () => {
    const stream = new Readable({ read() {} });
    await fileWrapper(stream).close();
    expect(stream.destroyed).toBe(true);
  });

  test("opens and reads nothing before it is pulled", async () => {
    let reads = 0;
    const body = fileWrapper({ read: () => (reads++, null) });
    fileWrapper(join(directory, "missing"));
    expect(reads).toBe(0);
    await body.close();
    expect(reads).toBe(0);
  });

  test("calls close() of the file once and reads nothing after it", async () => {
    let closes = 0;
    const body = fileWrapper({
      read: () => "x",
      close: () => {
        closes += 1;
      },
    });
    const iterator = body[Symbol.asyncIterator]();
    await iterator.next();
    await body.close();
    await body.close();
    expect(closes).toBe(1);
    expect((await iterator.next()).done).toBe(true);
  });

  test.each([undefined, null, 5, {}, []])("refuses %j", (file) => {
    expect(() => fileWrapper(file as never)).toThrow(/file_wrapper takes a path, a stream, a FileHandle/);
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses block size %d", (size) => {
    expect(() => fileWrapper(path, size)).toThrow(RangeError);
  });

  test("is a body like any other: closed by the server, a missing file is a 500", async () => {
    const answer = (file: FileLike) =>
      run((environ: Environ, startResponse: StartResponse) => {
        startResponse(200, []);
        return environ["gateway.file_wrapper"](file);
      });
    let closes = 0;
    const parts = ["a", "b"];
    const good = answer({
      read: () => parts.shift(),
      close: () => {
        closes += 1;
      },
    });
    await good.done;
    expect([good.body, closes]).toEqual(["ab", 1]);
    const bad = answer(join(directory, "missing"));
    await bad.done;
    expect(bad.status).toBe(500);
    expect(onlyError(bad)).toMatch(/ENOENT/);
  });
});
