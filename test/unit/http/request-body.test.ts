/** What a body that has come and is not read takes. */

import { expect, test } from "vitest";
import { RequestBody } from "../../../src/http/request-body.ts";

const SOURCE = { roomMade: () => {}, awaited: () => {} };

/** One byte after another, each different from the one before. */
function fill(body: RequestBody, size: number): string {
  const bytes = Buffer.alloc(size, "abcdefghijklmnopqrstuvwxyz");
  for (let at = 0; at < size; at++) body.push(bytes.subarray(at, at + 1));
  return bytes.toString();
}

test("single bytes that wait are read in few pieces, and in their order", async () => {
  const body = new RequestBody(SOURCE);
  const sent = fill(body, 60_000);
  body.finish();
  const pieces: string[] = [];
  for (;;) {
    const piece = await body.read(65_536);
    if (piece.length === 0) break;
    pieces.push(Buffer.from(piece).toString());
  }
  expect(pieces.join("")).toBe(sent);
  expect(pieces.length).toBeLessThan(600);
});

test("single bytes among large pieces stay where they are", async () => {
  const body = new RequestBody(SOURCE);
  const first = fill(body, 100);
  body.push(Buffer.alloc(20_000, "L"));
  const last = fill(body, 300);
  body.finish();
  expect(Buffer.from(await body.readToEnd()).toString()).toBe(first + "L".repeat(20_000) + last);
});

test("single bytes that somebody waits for come together in the end", async () => {
  const body = new RequestBody(SOURCE);
  const whole = body.readToEnd();
  const sent = fill(body, 1000);
  body.finish();
  expect(Buffer.from(await whole).toString()).toBe(sent);
});
