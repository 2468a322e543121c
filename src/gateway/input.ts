/**
 * `gateway.input` over an exchange: pulled, never pushed. Owns the rules of reading (one read at a time, an empty
 * chunk at the end and ever after); where the bytes come from is the exchange's business.
 */

import type { Exchange, WholeReader } from "./exchange.ts";
import type { GatewayInput } from "./types.ts";

export class ExchangeInput implements GatewayInput, WholeReader {
  private readonly exchange: Exchange;
  private isReading = false;
  private hasEnded = false;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  read(n?: number): Promise<Uint8Array> {
    if (n === undefined && !this.isReading && !this.hasEnded && this.exchange.readToEnd !== undefined) {
      this.isReading = true;
      return this.exchange.readToEnd(this);
    }
    const chunk = n === undefined ? this.readToEnd() : this.readSome(n);
    // An application that has answered need not look after a read that it left pending.
    chunk.catch(() => {});
    return chunk;
  }

  // Written out, not an async generator: leaving a loop over it must not end the input for a later read.
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: async () => {
        const chunk = await this.pull(BLOCK);
        return chunk.length === 0 ? { done: true, value: undefined } : { done: false, value: chunk };
      },
    };
  }

  readEnded(isWhole: boolean): void {
    this.isReading = false;
    this.hasEnded = isWhole;
  }

  private async readSome(n: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`read takes a whole number of bytes, not ${String(n)}`);
    return n === 0 ? EMPTY : this.pull(n);
  }

  private async readToEnd(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = await this.pull(BLOCK);
      if (chunk.length === 0) break;
      chunks.push(chunk);
      if (this.exchange.isInputAtEnd === true) {
        this.hasEnded = true;
        break;
      }
    }
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  }

  private async pull(n: number): Promise<Uint8Array> {
    if (this.isReading) throw new Error("gateway.input is being read already: await one read before the next");
    if (this.hasEnded) return EMPTY;
    this.isReading = true;
    try {
      const chunk = await this.exchange.read(n);
      this.hasEnded = chunk.length === 0;
      return chunk;
    } finally {
      this.isReading = false;
    }
  }
}

const BLOCK = 65_536;
const EMPTY = new Uint8Array(0);
