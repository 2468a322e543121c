/**
 * Compresses a body chunk by chunk, off the event loop. One chunk out for each that goes in, empty or not; what goes in
 * can be decoded by the client as soon as it comes out, where that is asked for.
 */

import { once } from "node:events";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import type { Chunk } from "../types.ts";
import type { Coding } from "./accepted-encodings.ts";

type Compressor = Transform & { flush(kind: number, done: () => void): void };

/** The codings that this Node can make, the cheapest for what it saves first. */
export function availableCodings(): readonly Coding[] {
  return createZstd === undefined ? ["br", "gzip"] : ["zstd", "br", "gzip"];
}

export class Encoder {
  private readonly stream: Compressor;
  private readonly flushKind: number;
  private readonly parts: Buffer[] = [];
  private readonly failed: Promise<never>;

  constructor(coding: Coding) {
    const { stream, flushKind } = make(coding);
    this.stream = stream;
    this.flushKind = flushKind;
    stream.on("data", (part: Buffer) => this.parts.push(part));
    this.failed = once(stream, "error").then(([error]) => {
      throw error as Error;
    });
    // Whether somebody waits at the moment or not.
    this.failed.catch(() => {});
  }

  /** What has come out of it by now; with `isFlushed` all of the chunk has. Rejects when it cannot be compressed. */
  async encode(chunk: Chunk, isFlushed: boolean): Promise<Uint8Array> {
    const { stream } = this;
    if (chunk.length === 0) return NOTHING;
    const done = new Promise<void>((resolve) => {
      if (isFlushed) {
        stream.write(chunk);
        stream.flush(this.flushKind, resolve);
      } else {
        stream.write(chunk, () => resolve());
      }
    });
    await Promise.race([done, this.failed]);
    return this.take();
  }

  /** What is left at the end. */
  async finish(): Promise<Uint8Array> {
    this.stream.end();
    await Promise.race([once(this.stream, "end"), this.failed]);
    return this.take();
  }

  destroy(): void {
    this.stream.destroy();
  }

  private take(): Uint8Array {
    // What has been made may still wait for its turn to be told.
    while (this.stream.read() !== null);
    const parts = this.parts.splice(0);
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }
}

/** Levels for what is made while somebody waits: most of the gain at a fraction of the cost of the highest. */
function make(coding: Coding): { readonly stream: Compressor; readonly flushKind: number } {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_OPERATION_FLUSH, Z_SYNC_FLUSH } = zlib.constants;
  switch (coding) {
    case "br": {
      const params = { [BROTLI_PARAM_QUALITY]: 4, [BROTLI_PARAM_LGWIN]: 18 };
      return { stream: zlib.createBrotliCompress({ params }), flushKind: BROTLI_OPERATION_FLUSH };
    }
    case "zstd":
      return { stream: (createZstd as NonNullable<typeof createZstd>)(), flushKind: ZSTD_FLUSH };
    case "gzip":
      return { stream: zlib.createGzip({ level: 6 }), flushKind: Z_SYNC_FLUSH };
  }
}

const NOTHING = new Uint8Array(0);
/** From Node 22.15 and 23.8 on. */
const { createZstdCompress: createZstd } = zlib as { createZstdCompress?: () => Compressor };
/** `ZSTD_e_flush`. */
const ZSTD_FLUSH = 1;
