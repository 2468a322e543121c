/**
 * A response body with the rules of giving, pulling and closing it (docs/gateway.md, chapters "The body" and "Closing").
 * A list stays a list, because a server knows the length of one; it is judged at once. Any other body is judged as it is
 * pulled.
 */

import { isUint8Array } from "node:util/types";
import { type BodyReader, openBody } from "../body.ts";
import { kindOf } from "../response-headers.ts";
import type { Body, Chunk } from "../types.ts";
import type { Findings } from "./breach.ts";
import type { Closable } from "./unclosed.ts";
import type { WatchedStart } from "./watched-start.ts";

/** What a body is judged with. */
export interface BodyContext {
  readonly start: WatchedStart;
  readonly findings: Findings;
  readonly isHead: boolean;
  /** Told when the body has been closed, and what it closes has settled. */
  readonly onClosed: () => void;
}

/** Takes what the application returned. Throws where it is no body, or a list that breaks a rule. */
export function watchBody(result: unknown, context: BodyContext): { readonly body: Body; readonly entry: Closable } {
  const reader = open(result, context.findings);
  const entry = new Entry(context.findings);
  const account = new Account(context);
  const close = (): unknown => closeOnce(reader, entry, context);
  if (Array.isArray(result)) {
    judgeList(result, account, reader, context.findings);
    return { body: Object.assign([...(result as Chunk[])], { close }), entry };
  }
  const iteration = new Iteration(reader, account, context.findings, entry);
  const closeIterated = (): unknown => {
    if (!entry.isClosed) iteration.closing();
    return close();
  };
  const body = reader.isAsync
    ? { [Symbol.asyncIterator]: () => iteration.begin(), close: closeIterated }
    : { [Symbol.iterator]: () => iteration.begin(), close: closeIterated };
  return { body: body as Body, entry };
}

function open(result: unknown, findings: Findings): BodyReader {
  try {
    return openBody(result);
  } catch {
    throw findings.breach(
      "B-1",
      "application",
      `the application returned ${kindOf(result)}, not an iterable of chunks`,
    );
  }
}

/** Nobody pulls a list that is not sent, so it is closed here. */
function judgeList(list: readonly unknown[], account: Account, reader: BodyReader, findings: Findings): void {
  try {
    for (const chunk of list) account.add(chunk);
    account.finish();
  } catch (error) {
    void reader.close((closing) => findings.note("C-5", "application", `its close() threw: ${String(closing)}`));
    throw error;
  }
}

function closeOnce(reader: BodyReader, entry: Closable, { findings, onClosed }: BodyContext): unknown {
  if (entry.isClosed) throw findings.breach("C-1", "server", "the body was closed twice");
  entry.isClosed = true;
  const errors: unknown[] = [];
  const pending = reader.close((error) => errors.push(error));
  if (pending === undefined) {
    onClosed();
    if (errors.length > 0) throw errors[0];
    return undefined;
  }
  return pending.then(() => {
    onClosed();
    if (errors.length > 0) throw errors[0];
  });
}

class Entry implements Closable {
  isClosed = false;
  private isReported = false;
  private readonly findings: Findings;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  missed(why: string): void {
    if (this.isReported) return;
    this.isReported = true;
    this.findings.note("C-1", "server", `the body's close() was not called ${why}`);
  }
}

/** Counts chunks against what the head says. */
class Account {
  private readonly context: BodyContext;
  private bytes = 0;
  /** A non-empty chunk was given: when the next one is asked for, the head is sent. */
  private hasGiven = false;

  constructor(context: BodyContext) {
    this.context = context;
  }

  /** The server asks for another chunk. */
  pulled(): void {
    const { start, findings } = this.context;
    if (findings.broken !== undefined) throw findings.broken;
    if (this.hasGiven) start.isSent = true;
  }

  add(chunk: unknown): void {
    const { start, findings } = this.context;
    if (findings.broken !== undefined) throw findings.broken;
    if (start.wasRethrown) {
      throw findings.breach("S-13", "application", "the application caught the error that startResponse threw again");
    }
    if (typeof chunk !== "string" && !isUint8Array(chunk)) {
      throw findings.breach(
        "B-2",
        "application",
        `the body has ${kindOf(chunk)} as a chunk, not a string or Uint8Array`,
      );
    }
    if (chunk.length === 0) return;
    const { head } = start;
    if (head === undefined) {
      throw findings.breach("S-1", "application", "the application gave a chunk before it called startResponse");
    }
    this.hasGiven = true;
    this.bytes += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.length;
    if (this.isCounted && head.length !== undefined && this.bytes > head.length) {
      throw findings.breach("B-6", "application", `the body is longer than its Content-Length of ${head.length}`);
    }
  }

  finish(): void {
    const { start, findings } = this.context;
    if (findings.broken !== undefined) throw findings.broken;
    const { head } = start;
    if (head === undefined) {
      throw findings.breach("S-1", "application", "the body ended, and the application had not called startResponse");
    }
    if (this.isCounted && head.length !== undefined && this.bytes < head.length) {
      const missing = head.length - this.bytes;
      throw findings.breach("B-7", "application", `the body is ${missing} bytes shorter than its Content-Length`);
    }
    this.advise(head.status, head.hasContentType, head.length !== undefined);
  }

  private get isCounted(): boolean {
    const status = this.context.start.head?.status;
    return !this.context.isHead && status !== 204 && status !== 304;
  }

  private advise(status: number, hasType: boolean, hasLength: boolean): void {
    const { findings } = this.context;
    if (status === 204 || status === 304) {
      const extra = hasType ? "Content-Type" : "Content-Length";
      if (hasType || hasLength) findings.advise("S-15", "application", `a ${status} was given a ${extra}`);
    } else if (this.bytes > 0 && !hasType) {
      findings.advise("S-14", "application", "the response has a body and no Content-Type");
    }
  }
}

/** One iteration over a body, as a server does it. */
class Iteration {
  private readonly reader: BodyReader;
  private readonly account: Account;
  private readonly findings: Findings;
  private readonly entry: Closable;
  private state: "new" | "open" | "pulling" | "over" = "new";
  private wasLeft = false;

  constructor(reader: BodyReader, account: Account, findings: Findings, entry: Closable) {
    this.reader = reader;
    this.account = account;
    this.findings = findings;
    this.entry = entry;
  }

  begin(): Iterator<unknown> | AsyncIterator<unknown> {
    if (this.state !== "new") throw this.findings.breach("B-11", "server", "the body was iterated twice");
    this.state = "open";
    return this.reader.isAsync
      ? { next: () => this.nextAsync(), return: () => Promise.resolve(this.left()) }
      : { next: () => this.next(), return: () => this.left() };
  }

  /** The body is about to be closed. */
  closing(): void {
    const isThrough = this.state === "new" || this.state === "over" || this.wasLeft;
    if (!isThrough) this.findings.note("C-2", "server", "the body was closed without return() on its iterator");
  }

  private next(): IteratorResult<unknown> {
    this.beforePull();
    try {
      this.account.pulled();
      const result = this.reader.pull();
      return result === undefined ? this.ended() : this.given(result.value);
    } catch (error) {
      this.state = "over";
      throw error;
    }
  }

  private async nextAsync(): Promise<IteratorResult<unknown>> {
    this.beforePull();
    try {
      this.account.pulled();
      const result = await this.pullAsync();
      if (result.done !== true) return this.given(result.value);
      this.reader.exhausted();
      return this.ended();
    } catch (error) {
      this.state = "over";
      throw error;
    }
  }

  private async pullAsync(): Promise<IteratorResult<unknown>> {
    try {
      return await this.reader.pullAsync();
    } catch (error) {
      this.reader.exhausted();
      throw error;
    }
  }

  private beforePull(): void {
    if (this.entry.isClosed) throw this.findings.breach("C-4", "server", "the body was pulled after it was closed");
    if (this.state === "pulling")
      throw this.findings.breach("B-4", "server", "the body was pulled while a pull was pending");
    if (this.state === "over") throw this.findings.breach("B-11", "server", "the body was pulled after its end");
    this.state = "pulling";
  }

  private given(value: unknown): IteratorYieldResult<unknown> {
    this.account.add(value);
    this.state = "open";
    return { done: false, value };
  }

  private ended(): IteratorReturnResult<undefined> {
    this.state = "over";
    this.account.finish();
    return { done: true, value: undefined };
  }

  private left(): IteratorReturnResult<undefined> {
    this.wasLeft = true;
    return { done: true, value: undefined };
  }
}
