/**
 * The body of a reply that Python sends piece by piece. What the client has not taken yet waits here, up to the window
 * that Python was given: beyond it the thread waits for the credit that comes back with each piece taken.
 */

export class ReplyBody implements AsyncIterableIterator<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  readonly #left: () => void;
  readonly #chunks: Uint8Array[] = [];
  #end: { readonly error?: Error } | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  /**
   * @param taken told of the bytes that the client has taken
   * @param left told that nobody wants the rest, before the body has ended
   */
  constructor(taken: (bytes: number) => void, left: () => void) {
    this.#taken = taken;
    this.#left = left;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting;
    if (waiting === undefined) return void this.#chunks.push(chunk);
    this.#waiting = undefined;
    waiting.resolve(this.#give(chunk));
  }

  /** It is through; or broken, with an error. */
  end(broken?: { readonly error: Error }): void {
    if (this.#end !== undefined) return;
    this.#end = broken ?? {};
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    if (broken === undefined) waiting.resolve(DONE);
    else waiting.reject(broken.error);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return Promise.resolve(this.#give(chunk));
    if (this.#end === undefined) {
      this.#waiting = withResolvers();
      return this.#waiting.promise;
    }
    const { error } = this.#end;
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
  }

  /** Nobody wants the rest. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#chunks.length = 0;
    if (this.#end === undefined) {
      this.end();
      this.#left();
    }
    return Promise.resolve(DONE);
  }

  #give(value: Uint8Array): IteratorResult<Uint8Array> {
    this.#taken(value.length);
    return { done: false, value };
  }
}

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve: (value: Value) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<Value>((...functions) => ([resolve, reject] = functions));
  return { promise, resolve, reject };
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };
