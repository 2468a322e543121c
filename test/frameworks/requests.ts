/** What the matrix asks of every framework, as its clients do: whole replies, replies in pieces, and uploads. */

import http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own; rejects when no whole reply came. */
export async function get(url: string): Promise<Reply> {
  const response = await replyTo(http.get(url, { agent: false }));
  return { status: response.statusCode ?? 0, body: await textOf(response) };
}

/** POSTs `bytes` zero bytes as they are produced. */
export async function upload(url: string, bytes: number): Promise<Reply> {
  const headers = { "content-type": "application/octet-stream", "content-length": bytes };
  const request = http.request(url, { agent: false, method: "POST", headers });
  const replied = replyTo(request);
  const [response] = await Promise.all([replied, pipeline(Readable.from(zeros(bytes)), request)]);
  return { status: response.statusCode ?? 0, body: await textOf(response) };
}

/** A reply that is read while it is sent. */
export interface OpenReply {
  /** What has come so far. */
  text(): string;
  /** Resolves when more has come than there was when this was called; rejects when the reply is over. */
  more(): Promise<void>;
  /** Resolves at its end, with whether it was whole. */
  readonly over: Promise<{ readonly isWhole: boolean; readonly at: number }>;
}

/** Resolves with a reply whose first piece has come. */
export async function open(url: string): Promise<OpenReply> {
  const response = await replyTo(http.get(url, { agent: false }));
  let text = "";
  response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  response.on("error", () => {}); // A reply that was cut says so in `complete`.
  const over = new Promise<{ isWhole: boolean; at: number }>((resolve) => {
    response.on("close", () => resolve({ isWhole: response.complete, at: Date.now() }));
  });
  const more = async (): Promise<void> => {
    const length = text.length;
    const isOver = over.then(() => true);
    const grown = new Promise<boolean>((resolve) => {
      response.once("data", () => resolve(false));
    });
    // What has come already is read before the next piece is waited for.
    await turn();
    if (text.length === length && (await Promise.race([grown, isOver]))) throw new Error("the reply is over");
  };
  if (text === "") await more();
  return { text: () => text, more, over };
}

function replyTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("response", resolve).on("error", reject);
  });
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

function* zeros(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, Math.min(left, piece.length));
}
