import { setTimeout as pause } from "node:timers/promises";

export const dynamic = "force-dynamic";

async function* ticks(signal) {
  for (;;) {
    yield `worker ${process.pid}\n`;
    await pause(100, undefined, { signal });
  }
}

export function GET(request) {
  return new Response(ReadableStream.from(ticks(request.signal)).pipeThrough(new TextEncoderStream()), {
    headers: { "Content-Type": "text/plain" },
  });
}
