/** Many connections that ask again as soon as they are answered, whatever the answer is: more than any worker can serve. */

import net from "node:net";
import { readFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import type { Target } from "./traffic.ts";

export interface FloodOptions {
  readonly connections: number;
  readonly path: string;
}

export class Flood {
  /** Replies so far, by status. */
  readonly replies = new Map<string, number>();
  /** Connections that have ended before the flood did. */
  ended = 0;
  #isOver = false;
  readonly #sockets: net.Socket[] = [];

  constructor(target: Target, { connections, path }: FloodOptions) {
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    for (let index = 0; index < connections; index++) this.#sockets.push(this.#connect(target, request));
  }

  get total(): number {
    return [...this.replies.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when there have been so many replies. */
  async answered(count: number, timeoutMs = 40_000): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (this.total < count) {
      if (performance.now() > endsAt) throw new Error(`${this.total} replies, ${this.ended} connections ended`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(target: Target, request: string): net.Socket {
    const socket = net.connect({ ...target });
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write(request));
    socket.on("data", (text: string) => {
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
      if (status === undefined) return;
      this.replies.set(status, (this.replies.get(status) ?? 0) + 1);
      if (!this.#isOver) socket.write(request);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (!this.#isOver) this.ended++;
    });
    return socket;
  }
}

/** Begins at once; it stops when the test ends, if not before. Call it within a test. */
export function startFlood(target: Target, options: FloodOptions): Flood {
  const flood = new Flood(target, options);
  onTestFinished(() => flood.stop());
  return flood;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kilobytes) * 1024;
}
