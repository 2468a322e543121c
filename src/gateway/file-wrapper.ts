/**
 * `gateway.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling"): a body made of a file. It opens and
 * sends nothing by itself; middleware may replace it like any other body.
 */

import { open, type FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { kindOf } from "./response-headers.ts";
import type { Chunk, FileBody, FileWrapper, ReadableFile } from "./types.ts";

/** Makes a body of a file. Throws a `TypeError` for what is not one, a `RangeError` for a wrong block size. */
export const fileWrapper: FileWrapper = (file: unknown, blockSize = 65_536): FileBody => {
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    throw new RangeError(`the block size must be a number of bytes, not ${String(blockSize)}`);
  }
  return new BlockIterator(sourceOf(file), blockSize);
};

class BlockIterator implements FileBody, AsyncIterator<Chunk, undefined> {
  private readonly source: ReadableFile;
  private readonly blockSize: number;
  private isClosed = false;

  constructor(source: ReadableFile, blockSize: number) {
    this.source = source;
    this.blockSize = blockSize;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk, undefined>> {
    if (this.isClosed) return DONE;
    try {
      const value = await this.source.read(this.blockSize);
      if (value !== null && value !== undefined && value.length > 0) return { done: false, value };
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.return();
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.close();
    return DONE;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.source.close?.();
  }
}

function sourceOf(file: unknown): ReadableFile {
  if (typeof file === "string" || file instanceof URL) return pathSource(file);
  if (typeof file === "object" && file !== null) {
    if (isFileHandle(file)) return handleSource(file);
    // A Node stream has a read() too, but one that does not wait: streams are iterated.
    if (Symbol.asyncIterator in file) return iterableSource(file as AsyncIterable<Chunk>);
    if (typeof (file as ReadableFile).read === "function") return file as ReadableFile;
  }
  throw new TypeError(
    `file_wrapper takes a path, a stream, a FileHandle or an object with read(), not ${kindOf(file)}`,
  );
}

function pathSource(path: string | URL): ReadableFile {
  let opened: Promise<FileHandle> | undefined;
  return {
    read: async (size) => {
      opened ??= open(path);
      return readBlock(await opened, size);
    },
    // An open that failed was thrown by read already.
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

function handleSource(handle: FileHandle): ReadableFile {
  return { read: (size) => readBlock(handle, size), close: () => handle.close() };
}

function iterableSource(iterable: AsyncIterable<Chunk>): ReadableFile {
  const iterator = iterable[Symbol.asyncIterator]();
  const stream = iterable as Partial<Readable>;
  return {
    read: async () => {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) return null;
        // An empty chunk in the middle must not look like the end.
        if (value.length > 0) return value;
      }
    },
    close: () => (typeof stream.destroy === "function" ? void stream.destroy() : iterator.return?.()),
  };
}

async function readBlock(handle: FileHandle, size: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, null);
  return buffer.subarray(0, bytesRead);
}

function isFileHandle(file: object): file is FileHandle {
  return typeof (file as FileHandle).fd === "number" && typeof (file as FileHandle).stat === "function";
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
