/**
 * The life of one application call over an exchange: environ, `startResponse`, the body pulled chunk by chunk as the
 * client takes it, and its end. Invariants: the body is closed exactly once on every path, and a response that broke
 * never ends as if it were whole. No promise is made for an application that answers synchronously.
 */

import { hasCode } from "../errors.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";
import { type BodyReader, isBareList, isThenable, openBody } from "./body.ts";
import { BodyPump, type PumpOwner } from "./body-pump.ts";
import { createEnviron, type GatewayContext, RequestRefused, type SignalSource } from "./environ.ts";
import { ClientGone, type Exchange, type ExchangeWatcher } from "./exchange.ts";
import { withoutQuery } from "./request-target.ts";
import { ResponseWriter } from "./response-writer.ts";
import { ResponseStart } from "./start-response.ts";
import type { Application, StartResponse } from "./types.ts";

/** A request as it may be named in a log: the path is raw and without its query. */
export interface RequestName {
  readonly method: string;
  readonly path: string;
  /** Its X-Request-Id, if that is a sane one. */
  readonly id: string | undefined;
}

/** What all calls of a server share. */
export interface RunContext extends GatewayContext {
  /** Told of every error of the application. May throw, to no effect. */
  readonly onError: (error: unknown, request: RequestName) => void;
}

/** Runs the application for one request, to the end of its response. Never throws; returns before that end. */
export function runApplication(application: Application, exchange: Exchange, context: RunContext): void {
  new ApplicationCall(exchange, context).run(application);
}

class ApplicationCall implements ExchangeWatcher, PumpOwner, SignalSource {
  private readonly exchange: Exchange;
  private readonly context: RunContext;
  private readonly start = new ResponseStart();
  private readonly writer: ResponseWriter;
  private body: BodyReader | undefined;
  private pump: BodyPump | undefined;
  private controller: AbortController | undefined;
  private isWatching = false;
  /** The response is complete, broken or not wanted any more; what the application still does has no effect. */
  private isOver = false;
  /** The client went away before the response was complete. */
  private wasLeft = false;

  constructor(exchange: Exchange, context: RunContext) {
    this.exchange = exchange;
    this.context = context;
    this.writer = new ResponseWriter(exchange, this.start);
  }

  run(application: Application): void {
    const startResponse: StartResponse = (status, headers, options) => this.start.start(status, headers, options);
    try {
      const result = application(createEnviron(this.exchange, this.context, this), startResponse);
      if (!isThenable(result)) {
        this.answer(result);
        return;
      }
      this.watch();
      result.then(
        (body) => this.answer(body),
        (error: unknown) => this.failed(error),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  /** `gateway.signal`, made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.wasLeft) this.controller.abort(new ClientGone());
      else this.watch();
    }
    return this.controller.signal;
  }

  watch(): void {
    if (this.isWatching || this.isOver) return;
    this.isWatching = true;
    this.exchange.watch(this);
  }

  onDrain(): void {
    this.pump?.drained();
  }

  onGone(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wasLeft = true;
    this.pump?.stop();
    this.controller?.abort(new ClientGone());
    this.closeBody();
  }

  completed(isExcess: boolean): void {
    try {
      this.writer.finish();
    } catch (error) {
      this.failed(error);
      return;
    }
    this.isOver = true;
    if (isExcess) this.report(new Error("the body is longer than its Content-Length; the rest was not sent"));
    this.closeBody();
  }

  /** Before the head is sent an error is a 500; after it the connection goes, so that nobody takes the rest for whole. */
  failed(error: unknown): void {
    this.report(error);
    if (this.isOver) return;
    this.isOver = true;
    if (this.start.isSent || this.exchange.isGone) this.exchange.destroy();
    else if (error instanceof RequestRefused) this.refuse(error);
    else this.sendText(500, "Internal Server Error\n");
    this.closeBody();
  }

  /** Takes the body that the application answered with. */
  private answer(result: unknown): void {
    try {
      // What a list of one chunk needs least: nothing but to be sent.
      const isBare = isBareList(result);
      if (isBare && !this.isOver && this.writer.sendList(result)) {
        this.isOver = true;
        return;
      }
      this.body = openBody(result);
      if (this.isOver) {
        this.closeBody();
      } else if (!isBare && Array.isArray(result) && this.writer.sendList(result)) {
        this.isOver = true;
        this.closeBody();
      } else {
        this.pump = new BodyPump(this.body, this.writer, this);
        this.pump.run();
      }
    } catch (error) {
      this.failed(error);
    }
  }

  private refuse({ status, message }: RequestRefused): void {
    this.exchange.refused(status, message);
    this.sendText(status, `${message}\n`);
  }

  private sendText(status: number, text: string): void {
    this.exchange.head(status, undefined, ["Content-Type", "text/plain; charset=utf-8"], text.length);
    if (this.exchange.method === "HEAD") this.exchange.end();
    else this.exchange.end(text);
  }

  private closeBody(): void {
    void this.body?.close((error) => this.report(error));
  }

  /** An application that gives up because its client did has done nothing wrong, and a refusal is not its doing. */
  private report(error: unknown): void {
    const isQuiet = error instanceof RequestRefused || (this.exchange.isGone && isAbort(error));
    if (isQuiet) return;
    try {
      this.context.onError(error, nameOf(this.exchange));
    } catch {
      // Whoever logs must not change what the client gets.
    }
  }
}

function nameOf({ method, target, headers }: Exchange): RequestName {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === REQUEST_ID_HEADER);
  return { method, path: withoutQuery(target), id: at === -1 ? undefined : saneRequestId(headers[at + 1]) };
}

/** What a signal or a destroyed stream makes of what was under way. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || hasCode(error, "ERR_STREAM_PREMATURE_CLOSE"));
}
