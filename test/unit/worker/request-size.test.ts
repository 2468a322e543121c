/** Sizes of requests at their limits, and bodies whose bytes are counted. */

import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { countBody, sizeStatus } from "../../../src/worker/request-size.ts";

const UNLIMITED = { requestLine: 0, requestFields: 0, requestFieldSize: 0, requestBody: 0 };

function requestWith(rawHeaders: readonly string[], { method = "GET", url = "/" } = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { method, url, rawHeaders });
}

describe("a request", () => {
  test.each([
    ["GET", "/", "GET / HTTP/1.1".length],
    ["DELETE", "/a?b=c", "DELETE /a?b=c HTTP/1.1".length],
  ])("has a line of %s %s", (method, url, length) => {
    const request = requestWith([], { method, url });
    expect(sizeStatus(request, { ...UNLIMITED, requestLine: length })).toBeUndefined();
    expect(sizeStatus(request, { ...UNLIMITED, requestLine: length - 1 })).toBe(414);
  });

  test("has so many headers, of such a size, and announces so much", () => {
    const request = requestWith(["Host", "h", "Content-LENGTH", "1000"]);
    expect(sizeStatus(request, { ...UNLIMITED, requestFields: 2 })).toBeUndefined();
    expect(sizeStatus(request, { ...UNLIMITED, requestFields: 1 })).toBe(431);
    const longest = "Content-LENGTH: 1000".length;
    expect(sizeStatus(request, { ...UNLIMITED, requestFieldSize: longest })).toBeUndefined();
    expect(sizeStatus(request, { ...UNLIMITED, requestFieldSize: longest - 1 })).toBe(431);
    expect(sizeStatus(request, { ...UNLIMITED, requestBody: 1000 })).toBeUndefined();
    expect(sizeStatus(request, { ...UNLIMITED, requestBody: 999 })).toBe(413);
    expect(sizeStatus(request, UNLIMITED)).toBeUndefined();
  });
});

describe("a body without a length", () => {
  const chunked = ["Transfer-Encoding", "chunked"];

  test("passes up to its limit, to the byte", () => {
    let exceeded = 0;
    const request = requestWith(chunked);
    countBody(request, 10, () => exceeded++);
    request.push(Buffer.alloc(4));
    request.push(Buffer.alloc(6));
    request.push(null);
    expect(request.readableLength).toBe(10);
    expect(exceeded).toBe(0);
  });

  test("beyond it gives nothing more, tells so once, and does not end", () => {
    let exceeded = 0;
    const request = requestWith(chunked);
    countBody(request, 10, () => exceeded++);
    request.push(Buffer.alloc(10));
    request.push(Buffer.alloc(1));
    request.push(Buffer.alloc(1));
    request.complete = true;
    request.push(null);
    expect(exceeded).toBe(1);
    expect(request.readableLength).toBe(10);
    expect(request.complete).toBe(false);
    request.read();
    expect(request.readableEnded).toBe(false);
  });

  test("is counted; one with a length is Node's to count", () => {
    const request = requestWith(["Content-Length", "5"]);
    countBody(request, 1, () => {});
    request.push(Buffer.alloc(5));
    expect(request.readableLength).toBe(5);
  });
});
