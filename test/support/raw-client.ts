/** A client's socket as it is, for what no HTTP client does: half a head, pipelining, reading slowly, saying nothing. */

import { once } from "node:events";
import net from "node:net";
import { onTestFinished } from "vitest";
import type { Target } from "./traffic.ts";

export class RawClient {
  /** Everything received so far. */
  text = "";
  /** How the server ended the connection; undefined while it is open. */
  end: "fin" | "reset" | undefined;
  readonly socket: net.Socket;
  readonly #ended: Promise<void>;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => (this.text += text));
    socket.on("end", () => (this.end ??= "fin"));
    socket.on("error", () => (this.end ??= "reset"));
    this.#ended = new Promise((resolve) => {
      socket.once("close", () => {
        this.end ??= "reset";
        resolve();
      });
    });
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Sends a request without a body. */
  get(path: string): void {
    this.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  /** Resolves when the text matches; rejects when the connection has ended before, or after 45 s. */
  async received(pattern: RegExp): Promise<void> {
    const endsAt = performance.now() + 45_000;
    while (!pattern.test(this.text)) {
      if (this.end !== undefined || performance.now() > endsAt) {
        throw new Error(`no ${pattern}, ${this.end ?? "still open"}, in ${JSON.stringify(this.text.slice(-500))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<this> {
    await this.#ended;
    return this;
  }

  /** The status codes of the replies, in order; bodies must not look like status lines. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }
}

/** Connects; the socket is destroyed when the test ends. Call it within a test. */
export async function connectRaw(target: Target): Promise<RawClient> {
  const socket = net.connect({ ...target });
  socket.setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return new RawClient(socket);
}
