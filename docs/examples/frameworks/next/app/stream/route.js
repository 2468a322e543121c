import { setTimeout as pause } from "node:timers/promises";

export const dynamic = "force-dynamic";

async function* lines() {
  for (let number = 1; number <= 5; number++) {
    yield `${number}\n`;
    await pause(100);
  }
}

export function GET() {
  return new Response(ReadableStream.from(lines()).pipeThrough(new TextEncoderStream()), {
    headers: { "Content-Type": "text/plain" },
  });
}
