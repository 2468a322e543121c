/**
 * The rules of calling `startResponse` (PEP 3333, "The start_response() Callable"): once, or again with the error
 * that made it necessary. Keeps what was asked for until the head is sent; sends nothing itself.
 */

import { checkHead, kindOf, type ResponseHead } from "./response-headers.ts";
import type { HeaderList, StartResponseOptions, Status } from "./types.ts";

/** What one application call has asked for so far. */
export class ResponseStart {
  /** The head to send; undefined until a call succeeded. */
  head: ResponseHead | undefined;
  /** Whether the head has been handed to the exchange: from then on it cannot be replaced. */
  isSent = false;
  /** Set when an error came after the head was sent: the response is broken even if the application hides that. */
  broken: { readonly error: unknown } | undefined;
  private wasCalled = false;

  start(status: Status, headers: HeaderList, options: StartResponseOptions | undefined): void {
    const error = errorOf(options);
    if (error === undefined) {
      // A call that threw counts: what the application meant to send is not known any more.
      if (this.wasCalled) throw new Error("startResponse was called already; a second call needs { error }");
    } else if (this.isSent) {
      this.broken = { error };
      throw this.broken.error;
    }
    this.wasCalled = true;
    this.head = undefined;
    this.head = checkHead(status, headers);
  }
}

function errorOf(options: StartResponseOptions | undefined): unknown {
  if (options === undefined) return undefined;
  if (options === null || typeof options !== "object" || options instanceof Error) {
    throw new TypeError(`startResponse takes { error } as its third argument, not ${kindOf(options)}`);
  }
  return options.error;
}
