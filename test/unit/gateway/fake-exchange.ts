/** An exchange that records its verbs. The test is the client: it decides when there is room and when nobody is there. */

import type { ConnectionFacts, Exchange, ExchangeWatcher } from "../../../src/gateway/exchange.ts";
import { runApplication } from "../../../src/gateway/run.ts";
import type { Application, Chunk } from "../../../src/gateway/types.ts";

export const TCP: ConnectionFacts = {
  localAddress: "127.0.0.1",
  localPort: "8000",
  remoteAddress: "192.0.2.7",
  remotePort: "40000",
  isSecure: false,
};

export const UNIX: ConnectionFacts = {
  localAddress: undefined,
  localPort: undefined,
  remoteAddress: undefined,
  remotePort: undefined,
  isUnix: true,
  isSecure: false,
};

export interface FakeRequest {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly headers?: readonly string[];
  readonly connection?: ConnectionFacts;
  /** The request body as it arrives. */
  readonly input?: readonly string[];
}

export class FakeExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly string[];
  readonly connection: ConnectionFacts;
  /** The verbs in order: `head 200 OK`, `write abc`, `end`, `destroy`, … */
  readonly verbs: string[] = [];
  readonly errors: unknown[] = [];
  status: number | undefined;
  reason: string | undefined;
  sentHeaders: readonly string[] = [];
  length: number | undefined;
  body = "";
  isGone = false;
  /** What `write` answers. */
  hasRoom = true;
  watcher: ExchangeWatcher | undefined;
  /** Resolves with `end` or `destroy`. */
  readonly done: Promise<"end" | "destroy">;
  private readonly input: Buffer[];
  private settle!: (how: "end" | "destroy") => void;
  private waiting: { count: number; resolve: () => void } | undefined;

  constructor(request: FakeRequest = {}) {
    this.method = request.method ?? "GET";
    this.target = request.target ?? "/";
    this.version = request.version ?? "1.1";
    this.headers = request.headers ?? ["Host", "example.org"];
    this.connection = request.connection ?? TCP;
    this.input = (request.input ?? []).map((text) => Buffer.from(text));
    this.done = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  read(maxBytes: number): Promise<Uint8Array> {
    this.verbs.push(`read ${maxBytes}`);
    const chunk = this.input.shift() ?? Buffer.alloc(0);
    if (chunk.length > maxBytes) this.input.unshift(chunk.subarray(maxBytes));
    return Promise.resolve(chunk.subarray(0, maxBytes));
  }

  earlyHints(headers: readonly string[]): boolean {
    this.verbs.push(`hints ${headers.join(" ")}`);
    return true;
  }

  head(status: number, reason: string | undefined, headers: string[], length: number | undefined): void {
    this.status = status;
    this.reason = reason;
    this.sentHeaders = headers;
    this.length = length;
    this.verbs.push(`head ${status}`);
    this.wake();
  }

  write(chunk: Chunk): boolean {
    this.body += Buffer.from(chunk as string).toString();
    this.verbs.push(`write ${Buffer.from(chunk as string).toString()}`);
    this.wake();
    return this.hasRoom;
  }

  end(chunk?: Chunk): void {
    const text = chunk === undefined ? "" : Buffer.from(chunk as string).toString();
    this.body += text;
    this.verbs.push(text === "" ? "end" : `end ${text}`);
    this.settle("end");
    this.wake();
  }

  destroy(): void {
    this.verbs.push("destroy");
    this.settle("destroy");
    this.wake();
  }

  refused(): void {
    this.verbs.push("close afterwards");
  }

  watch(watcher: ExchangeWatcher): void {
    if (this.watcher !== undefined) throw new Error("watched twice");
    this.watcher = watcher;
  }

  /** The client has read everything. */
  drain(): void {
    this.hasRoom = true;
    this.watcher?.onDrain();
  }

  /** The client goes away. */
  leave(): void {
    this.isGone = true;
    this.watcher?.onGone();
  }

  /** Resolves when that many verbs have been recorded. */
  recorded(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = { count, resolve };
      this.wake();
    });
  }

  private wake(): void {
    if (this.waiting !== undefined && this.verbs.length >= this.waiting.count) this.waiting.resolve();
  }
}

/** Runs an application over a fake exchange; errors it causes are in `errors`. */
export function run(application: unknown, request: FakeRequest | FakeExchange = {}): FakeExchange {
  const exchange = request instanceof FakeExchange ? request : new FakeExchange(request);
  runApplication(application as Application, exchange, {
    multiprocess: true,
    errors: { write() {}, writelines() {}, flush() {} },
    urlScheme: undefined,
    onError: (error) => exchange.errors.push(error),
  });
  return exchange;
}

/** The message of the only error that was reported. */
export function onlyError({ errors }: FakeExchange): string {
  if (errors.length !== 1) throw new Error(`${errors.length} errors were reported, not one: ${errors.join("; ")}`);
  return (errors[0] as Error).message;
}
