/**
 * A gateway application in TypeScript, typed from end to end. Node runs it as it is from 22.18 on; on Node 20 give
 * `--import tsx`, or compile it.
 *
 *   tsgate --workers 4 docs/examples/frameworks/gateway-typescript/app.ts
 *   curl http://127.0.0.1:8000/
 */

import { createReadStream } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { defineApplication, type Environ } from "tsgate";

const life = { isOpen: false, healthAsked: 0 };

type Route = (environ: Environ) => AsyncIterable<string | Uint8Array> | Promise<string> | string;

const routes: Readonly<Record<string, Route>> = {
  "GET /": () => `Hello from a gateway application in worker ${process.pid}, open: ${life.isOpen}\n`,
  "GET /stream": () => lines(),
  "POST /upload": async (environ) => {
    let bytes = 0;
    for await (const chunk of environ["gateway.input"]) bytes += chunk.length;
    return `${bytes} bytes\n`;
  },
  "GET /file": () => createReadStream(path.join(import.meta.dirname, "file.txt")),
  "GET /error": () => {
    throw new Error("thrown on purpose");
  },
  "GET /forever": () => ticks(),
};

async function* lines(): AsyncGenerator<string> {
  for (let number = 1; number <= 5; number++) {
    yield `${number}\n`;
    await pause(100);
  }
}

async function* ticks(): AsyncGenerator<string> {
  for (;;) {
    yield `worker ${process.pid}\n`;
    await pause(100);
  }
}

export default defineApplication(async (environ, startResponse) => {
  const route = routes[`${environ.REQUEST_METHOD} ${environ.PATH_INFO}`];
  const body = await route?.(environ);
  startResponse(body === undefined ? 404 : 200, [["Content-Type", "text/plain"]]);
  return typeof body === "object" ? body : [body ?? "not here\n"];
});

export async function startup(): Promise<void> {
  await pause(10); // Connect to the database here.
  life.isOpen = true;
  console.log(`worker ${process.pid} has started`);
}

export function health(): boolean {
  life.healthAsked += 1;
  return life.isOpen;
}

export function shutdown(): void {
  life.isOpen = false;
  console.log(`worker ${process.pid} was asked ${life.healthAsked} times for its health and has shut down`);
}
