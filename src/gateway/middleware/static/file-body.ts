/**
 * Pieces of a file as a body, read block by block as the client takes it. It never ends as if it were whole when the file
 * has changed meanwhile: the last block is held until that is known.
 */

import type { FileHandle } from "node:fs/promises";
import type { Chunk, FileBody } from "../../types.ts";
import type { ByteRange } from "./byte-ranges.ts";
import type { ServedFile } from "./served-file.ts";

/** A part of a body: some text, or bytes of the file. */
export type Part = string | ByteRange;

/** The parts one after the other. Owns the handle from here on: `close()` closes it. */
export function fileBody(handle: FileHandle, file: ServedFile, parts: readonly Part[]): FileBody {
  return new BlockReader(handle, file, parts);
}

class BlockReader implements FileBody, AsyncIterator<Chunk, undefined> {
  private readonly handle: FileHandle;
  private readonly file: ServedFile;
  private readonly parts: readonly Part[];
  private part = 0;
  /** Of the part that is being read, how much has been. */
  private offset = 0;
  private closing: Promise<void> | undefined;

  constructor(handle: FileHandle, file: ServedFile, parts: readonly Part[]) {
    this.handle = handle;
    this.file = file;
    this.parts = parts;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk, undefined>> {
    const part = this.parts[this.part];
    if (part === undefined || this.closing !== undefined) return this.return();
    if (typeof part === "string") {
      this.part += 1;
      return { done: false, value: part };
    }
    try {
      const block = await this.block(part);
      return this.closing === undefined ? { done: false, value: block } : await this.return();
    } catch (error) {
      // Its reader has gone meanwhile, and the handle with it: that is no fault of the file.
      if (this.closing !== undefined) return this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    this.closing ??= this.handle.close();
    return this.closing;
  }

  private async block(part: ByteRange): Promise<Uint8Array> {
    const position = part.start + this.offset;
    const left = part.end + 1 - position;
    const block = Buffer.allocUnsafe(Math.min(BLOCK, left));
    const { bytesRead } = await this.handle.read(block, 0, block.length, position);
    if (bytesRead === 0) throw new Error(`${this.file.path} has become shorter while it was sent`);
    this.offset += bytesRead;
    if (bytesRead === left) {
      this.part += 1;
      this.offset = 0;
      if (!this.parts.slice(this.part).some((later) => typeof later !== "string")) await this.verify();
    }
    return block.subarray(0, bytesRead);
  }

  /** Not by all that makes a version: a file that was replaced or made unreadable is still what it was. */
  private async verify(): Promise<void> {
    const { mtimeMs, size } = await this.handle.stat();
    if (mtimeMs !== this.file.stats.mtimeMs || size !== this.file.size)
      throw new Error(`${this.file.path} was changed while it was sent`);
  }
}

const BLOCK = 65_536;
