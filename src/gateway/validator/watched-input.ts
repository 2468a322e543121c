/**
 * `gateway.input` with the rules of reading it (docs/gateway.md, chapter "The input"): what applications ask for, and
 * what a server gives. Offers nothing but what the rules name.
 */

import { isUint8Array } from "node:util/types";
import { kindOf } from "../response-headers.ts";
import type { GatewayInput } from "../types.ts";
import type { Findings } from "./breach.ts";

export class WatchedInput implements GatewayInput {
  readonly #input: GatewayInput;
  readonly #findings: Findings;
  /** By CONTENT_LENGTH; undefined when the request gave none. */
  readonly #length: number | undefined;
  #received = 0;
  #isReading = false;
  #hasEnded = false;

  constructor(input: GatewayInput, contentLength: string | undefined, findings: Findings) {
    this.#input = input;
    this.#findings = findings;
    this.#length = contentLength === undefined ? undefined : Number(contentLength);
  }

  read(...args: [n?: number]): Promise<Uint8Array> {
    const chunk = this.#read(args);
    // An application that has answered need not look after a read that it left pending.
    chunk.catch(() => {});
    return chunk;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const iterator = this.#input[Symbol.asyncIterator]();
    return {
      next: async () => {
        const { done, value } = await this.#alone(() => iterator.next());
        if (done !== true && this.#check(value).length === 0) {
          throw this.#findings.breach("I-7", "server", "gateway.input gave an empty chunk to a loop over it");
        }
        if (done !== true) return { done: false, value };
        this.#ended();
        return { done: true, value: undefined };
      },
    };
  }

  async #read(args: [n?: number]): Promise<Uint8Array> {
    const [n] = args;
    if (args.length > 1 || (n !== undefined && (!Number.isSafeInteger(n) || n < 0))) {
      const given = args.map((arg) => (typeof arg === "number" ? String(arg) : kindOf(arg))).join(", ");
      throw this.#findings.breach(
        "I-4",
        "application",
        `the application called read(${given}); it takes a number of bytes`,
      );
    }
    const chunk = this.#check(await this.#alone(() => this.#input.read(...args)));
    if (n !== undefined && chunk.length > n) {
      throw this.#findings.breach("I-2", "server", `read(${n}) gave ${chunk.length} bytes`);
    }
    if (n === undefined || (n > 0 && chunk.length === 0)) this.#ended();
    return chunk;
  }

  async #alone<T>(action: () => PromiseLike<T>): Promise<T> {
    if (this.#isReading) {
      throw this.#findings.breach("I-5", "application", "the application reads gateway.input while a read is pending");
    }
    this.#isReading = true;
    try {
      return await action();
    } finally {
      this.#isReading = false;
    }
  }

  #check(chunk: unknown): Uint8Array {
    if (!isUint8Array(chunk))
      throw this.#findings.breach("I-2", "server", `gateway.input gave ${kindOf(chunk)}, not bytes`);
    this.#received += chunk.length;
    if (this.#hasEnded && chunk.length > 0) {
      throw this.#findings.breach("I-2", "server", "gateway.input gave more after its end");
    }
    if (this.#length !== undefined && this.#received > this.#length) {
      throw this.#findings.breach(
        "I-6",
        "server",
        `gateway.input gave more than the ${this.#length} bytes of CONTENT_LENGTH`,
      );
    }
    return chunk;
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#length !== undefined && this.#received < this.#length) {
      const gave = `gateway.input ended after ${this.#received} of the ${this.#length} bytes of CONTENT_LENGTH`;
      throw this.#findings.breach("I-8", "server", `${gave}; a body that broke off rejects`);
    }
  }
}
