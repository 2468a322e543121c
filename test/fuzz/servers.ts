/** The same bytes to the engine and to node:http, both without a socket of the system, and what each made of them. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Application } from "../../src/gateway/index.ts";
import type { Engine, EngineOptions } from "../../src/http/index.ts";

/** A request that an application saw. */
export interface SeenRequest {
  readonly line: string;
  readonly headers: readonly string[];
  /** Undefined when the application did not get to its end. */
  body: string | undefined;
  /** Whether the server did, as far as it tells. */
  isWhole: boolean;
}

export interface Reading {
  readonly requests: readonly SeenRequest[];
  /** The status with which the server itself answered, if it did. */
  readonly refusal: number | undefined;
  /** Whether it has ended the connection by itself. */
  readonly hasEnded: boolean;
}

/** Sends the pieces one for one and returns what the server read. */
export type Reader = (pieces: readonly string[]) => Promise<Reading>;

type EngineClass = new (application: Application, options?: EngineOptions) => Engine;

/** Reads with an engine, which may be one with a planted defect. */
export function engineReader(EngineOf: EngineClass, options?: EngineOptions): Reader {
  const running = new Map<string, SeenRequest[]>();
  let exchanges: { headers: readonly string[]; target: string; version: string }[] = [];
  const engine = new EngineOf(async (environ, startResponse) => {
    const head = exchanges.pop();
    const seen = running.get(environ.REMOTE_ADDR ?? "");
    const line = `${environ.REQUEST_METHOD} ${environ.REQUEST_URI} ${environ.SERVER_PROTOCOL}`;
    const request: SeenRequest = { line, headers: head?.headers ?? [], body: undefined, isWhole: false };
    seen?.push(request);
    request.body = Buffer.from(await environ["gateway.input"].read()).toString("latin1");
    request.isWhole = true;
    startResponse(200, []);
    return ["ok"];
  }, options);
  const serve = engine.serve.bind(engine);
  engine.serve = (exchange) => {
    exchanges = [exchange];
    serve(exchange);
  };
  return async (pieces) => {
    const id = newAddress();
    const seen: SeenRequest[] = [];
    running.set(id, seen);
    const socket = new PretendedSocket(id);
    engine.accept(socket as unknown as Socket);
    const hasEnded = await feed(socket, pieces);
    running.delete(id);
    return { requests: structuredClone(seen), refusal: socket.refusal, hasEnded };
  };
}

/** Reads with the `node:http` of the Node that runs this. */
export function nodeReader(): Reader {
  const running = new Map<string, SeenRequest[]>();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    const seen = running.get(request.socket.remoteAddress ?? "");
    const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
    const noted: SeenRequest = { line, headers: request.rawHeaders, body: undefined, isWhole: false };
    seen?.push(noted);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", () => {
      noted.body = Buffer.concat(chunks).toString("latin1");
      response.end("ok");
    });
    request.on("close", () => (noted.isWhole = request.complete));
  });
  return async (pieces) => {
    const id = newAddress();
    const seen: SeenRequest[] = [];
    running.set(id, seen);
    const socket = new PretendedSocket(id);
    server.emit("connection", socket);
    const hasEnded = await feed(socket, pieces);
    running.delete(id);
    return { requests: structuredClone(seen), refusal: socket.refusal, hasEnded };
  };
}

/** Waits enough turns for whatever a server does with the last of the bytes; whether it has ended the connection. */
async function feed(socket: PretendedSocket, pieces: readonly string[]): Promise<boolean> {
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.push(Buffer.from(piece, "latin1"));
    await turn();
  }
  for (let turns = 0; turns < SETTLING_TURNS; turns++) await turn();
  const hasEnded = socket.writableEnded || socket.destroyed;
  socket.destroy();
  return hasEnded;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

class PretendedSocket extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort = 1;
  readonly localAddress = "127.0.0.1";
  readonly localPort = 80;
  #output = "";

  constructor(remoteAddress: string) {
    super({ allowHalfOpen: true });
    this.remoteAddress = remoteAddress;
    this.on("error", () => {});
  }

  /** The first status of an error that came. */
  get refusal(): number | undefined {
    const match = /HTTP\/1\.1 ([45]\d\d) /.exec(this.#output);
    return match === null ? undefined : Number(match[1]);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#output += chunk.toString("latin1");
    callback();
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }
}

let addresses = 0;
function newAddress(): string {
  return `client-${++addresses}`;
}

const SETTLING_TURNS = 4;
