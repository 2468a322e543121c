/**
 * A WebSocket (RFC 6455) to Node's inspector on the loopback, and nothing beyond: whole text messages, no extensions. It
 * stands in for a package whose loading blocks the master's loop for longer than the master may be blocked.
 */

import net from "node:net";
import { LARGEST_MESSAGE_BYTES, type MessageChannel } from "./message-channel.ts";

/** Where an inspector listens. */
export interface InspectorAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Fetches `path` as JSON. Rejects when it is not there. */
export async function fetchJson(address: InspectorAddress, path: string, signal: AbortSignal): Promise<unknown> {
  const socket = await connected(address, signal);
  try {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${authority(address)}\r\n\r\n`);
    const { head, rest } = await readHead(socket, signal);
    if (!head.startsWith("HTTP/1.0 200") && !head.startsWith("HTTP/1.1 200"))
      throw new Error(`${path}: ${firstLine(head)}`);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (length > LARGEST_LIST_BYTES) throw new Error(`${path}: ${length} bytes`);
    let body = rest;
    while (body.length < length) body = Buffer.concat([body, await nextChunk(socket, signal)]);
    return JSON.parse(body.toString("utf8", 0, length));
  } finally {
    socket.destroy();
  }
}

/** Opens the WebSocket at `path`. */
export async function openWebSocket(
  address: InspectorAddress,
  path: string,
  signal: AbortSignal,
): Promise<MessageChannel> {
  const socket = await connected(address, signal);
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${authority(address)}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    // Proves to a browser that it did not speak to a server of another protocol: here, both ends are Node.
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const { head, rest } = await readHead(socket, signal);
  if (!head.startsWith("HTTP/1.1 101")) {
    socket.destroy();
    throw new Error(`no WebSocket: ${firstLine(head)}`);
  }
  const reader = new FrameReader();
  return {
    send: (text) => void socket.write(textFrame(text)),
    onMessage: (listener) => {
      const onData = (chunk: Buffer): void => {
        try {
          for (const text of reader.push(chunk)) listener(text);
        } catch {
          socket.destroy();
        }
      };
      onData(rest);
      socket.on("data", onData).resume();
    },
    onEnd: (listener) => {
      socket.once("close", () => listener(new Error("the inspector closed the connection")));
    },
    close: () => socket.destroy(),
  };
}

const LARGEST_LIST_BYTES = 65_536;
const TEXT = 0x1;
const FINAL = 0x80;
const MASKED = 0x80;

/** A client's frame with `text`; masked, as the server insists, with the mask that changes nothing. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = Buffer.alloc(4);
  if (payload.length < 126) return Buffer.concat([Buffer.from([FINAL | TEXT, MASKED | payload.length]), mask, payload]);
  const head = Buffer.alloc(10);
  head.writeUInt8(FINAL | TEXT, 0);
  head.writeUInt8(MASKED | 127, 1);
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, mask, payload]);
}

/** Takes a server's bytes as they come, and gives the whole texts in them. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** How many bytes there have to be before it is worth looking. */
  #needed = 2;

  /** @throws when the server sends what an inspector does not */
  push(chunk: Buffer): string[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const texts: string[] = [];
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const size = frameSize(bytes);
      this.#needed = size.whole;
      if (bytes.length < size.whole) continue;
      if (isText(bytes)) texts.push(bytes.toString("utf8", size.head, size.whole));
      this.#chunks = [bytes.subarray(size.whole)];
      this.#size -= size.whole;
      this.#needed = 2;
    }
    return texts;
  }
}

/** The sizes of a frame and of its head; of the head alone as long as that is not whole. */
function frameSize(bytes: Buffer): { readonly head: number; readonly whole: number } {
  const length = bytes.readUInt8(1);
  if (length >= MASKED) throw new Error("no frame of an inspector");
  if (length < 126) return { head: 2, whole: 2 + length };
  const head = length === 126 ? 4 : 10;
  if (bytes.length < head) return { head, whole: head };
  const payload = length === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (payload > LARGEST_MESSAGE_BYTES) throw new Error("no frame of an inspector");
  return { head, whole: head + payload };
}

/** What else an inspector sends is the close frame, behind which nothing comes. */
function isText(frame: Buffer): boolean {
  return frame.readUInt8(0) === (FINAL | TEXT);
}

async function connected({ host, port }: InspectorAddress, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, signal, noDelay: true } as net.TcpNetConnectOpts);
    socket.once("error", reject);
    socket.once("connect", () => {
      // Whoever reads is told of the end; an error says no more.
      socket.off("error", reject).on("error", () => {});
      resolve(socket);
    });
  });
}

async function readHead(socket: net.Socket, signal: AbortSignal): Promise<{ head: string; rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end >= 0) return { head: bytes.toString("latin1", 0, end), rest: bytes.subarray(end + 4) };
    if (bytes.length > LARGEST_LIST_BYTES) throw new Error("no reply of an inspector");
    bytes = Buffer.concat([bytes, await nextChunk(socket, signal)]);
  }
}

/** The next bytes; nothing is read beyond them. */
async function nextChunk(socket: net.Socket, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      socket.pause();
      socket.off("data", onData).off("close", onClose);
      signal.removeEventListener("abort", onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => settle(() => resolve(chunk));
    const onClose = (): void => settle(() => reject(new Error("the inspector closed the connection")));
    socket.on("data", onData).once("close", onClose);
    signal.addEventListener("abort", onClose);
    socket.resume();
  });
}

/** As it stands in a URL. */
export function authority({ host, port }: InspectorAddress): string {
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function firstLine(head: string): string {
  return head.split("\r\n", 1)[0] ?? "";
}
