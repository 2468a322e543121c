/**
 * The applications of the cases, by name. Each is made afresh for a case with a probe, in which it leaves what the
 * client cannot see: that its body was closed, how often it was pulled.
 */

import { Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { bodyApplications } from "./applications/bodies.ts";
import { clientApplications } from "./applications/clients.ts";
import { environApplications } from "./applications/environs.ts";
import { fileApplications } from "./applications/files.ts";
import { inputApplications } from "./applications/inputs.ts";
import { type ApplicationMaker, fixed, generator, probed, TEXT } from "./applications/makers.ts";
import { startApplications } from "./applications/starts.ts";

export type { Probe } from "./applications/makers.ts";

export const applications: Readonly<Record<string, ApplicationMaker>> = {
  ...environApplications,
  ...startApplications,
  ...bodyApplications,
  ...clientApplications,
  ...inputApplications,
  ...fileApplications,

  hello: fixed("200 OK", TEXT, () => ["Hello, world!\n"]),
  "hello-bytes": fixed(200, TEXT, () => [Buffer.from("Hello, world!\n")]),
  "own-reason": fixed("299 All Went Well", [], () => ["x"]),
  "repeated-headers": fixed(
    200,
    [
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ],
    () => ["x"],
  ),
  "latin1-header-and-text": fixed(200, [["X-Name", "caf\u00e9"]], () => ["\u00fcber"]),
  "pieces-in-a-list": fixed(200, TEXT, probed("ab", "", "cd")),
  list: fixed(200, TEXT, () => ["ab", "", "cd"]),
  "empty-list": fixed(200, TEXT, () => []),
  "closable-list": fixed(200, TEXT, (probe) => Object.assign(["x"], { close: () => probe.push("closed") })),
  "starts-at-first-pull": generator(function* (_probe, startResponse) {
    yield "";
    startResponse(201, TEXT);
    yield "made";
  }),
  "async-application": () => async (_environ, startResponse) => {
    await Promise.resolve();
    startResponse(200, TEXT);
    return ["later"];
  },
  "async-generator": fixed(200, TEXT, async function* (probe) {
    try {
      yield "a";
      await Promise.resolve();
      yield "b";
    } finally {
      probe.push("left");
    }
  }),
  "node-stream": fixed(200, TEXT, () => Readable.from(["a", Buffer.from("b")])),
  "web-stream": fixed(200, TEXT, () => ReadableStream.from(["a", Buffer.from("b")]) as AsyncIterable<string>),

  "switches-to-500": generator(function* (_probe, startResponse) {
    startResponse(200, [["X-First", "1"]]);
    yield "";
    startResponse("500 Changed My Mind", TEXT, { error: new Error("x") });
    yield "sorry";
  }),
  "starts-twice": () => (_environ, startResponse) => {
    startResponse(200, []);
    startResponse(200, []);
    return ["x"];
  },
  "restarts-too-late": generator(function* (_probe, startResponse) {
    startResponse(200, []);
    yield "begun";
    startResponse(500, [], { error: new Error("the real error") });
  }),
  "hides-that-it-is-broken": generator(function* (_probe, startResponse) {
    startResponse(200, []);
    yield "begun";
    try {
      startResponse(500, [], { error: new Error("the real error") });
    } catch {
      // As no application should.
    }
  }),
  "never-starts": () => () => ["x"],
  "bad-header": fixed(200, [["X-A", "a\r\nSet-Cookie: b=1"]], () => ["x"]),
  "bad-status": fixed("OK", [], () => ["x"]),
  "hop-by-hop": fixed(200, [["Connection", "keep-alive"]], () => ["x"]),
  "interim-status": fixed(100, [], () => []),

  "exact-length": fixed(200, [["Content-Length", "4"]], probed("ab", "cd")),
  "too-long": fixed(200, [["Content-Length", "3"]], probed("ab", "cd", "ef")),
  "too-short": fixed(200, [["Content-Length", "10"]], probed("ab", "cd")),
  "nothing-of-ten": fixed(200, [["Content-Length", "10"]], probed()),
  "no-content": fixed(204, [...TEXT, ["Content-Length", "5"]], probed("never")),
  "not-modified": fixed(
    304,
    [
      ["ETag", '"x"'],
      ["Content-Length", "5"],
    ],
    probed("never"),
  ),

  "throws-in-call": () => () => {
    throw new Error("in the call");
  },
  rejects: () => async () => {
    throw new Error("in the promise");
  },
  "throws-first": fixed(200, TEXT, probed(new Error("at once"))),
  "throws-midway": fixed(200, TEXT, probed("a", new Error("midway"))),
  "throws-midway-with-length": fixed(200, [["Content-Length", "5"]], probed("a", new Error("midway"))),
  "async-throws-midway": fixed(200, TEXT, async function* () {
    yield "a";
    throw new Error("midway");
  }),
  "stream-fails-midway": fixed(200, TEXT, () =>
    Readable.from(
      (function* () {
        yield "a";
        throw new Error("midway");
      })(),
    ),
  ),

  "bare-string": fixed(200, TEXT, () => "Hello" as never),
  "bare-buffer": fixed(200, TEXT, () => Buffer.from("Hello") as never),
  nothing: fixed(200, TEXT, () => undefined as never),
  "bad-chunk-first": fixed(200, TEXT, () => [5] as never),
  "bad-chunk-midway": fixed(200, TEXT, probed("a", 5 as never)),

  echo: () => async (environ, startResponse) => {
    const body = await environ["gateway.input"].read();
    startResponse(200, TEXT);
    return [body];
  },
  "echo-as-it-comes": () => (environ, startResponse) => {
    startResponse(200, TEXT);
    return environ["gateway.input"];
  },
  "reads-by-four": () => async (environ, startResponse) => {
    const pieces: string[] = [];
    for (;;) {
      const piece = await environ["gateway.input"].read(4);
      pieces.push(Buffer.from(piece).toString());
      if (piece.length === 0) break;
    }
    startResponse(200, TEXT);
    return [JSON.stringify(pieces)];
  },
  "reads-two-bytes": () => async (environ, startResponse) => {
    const body = await environ["gateway.input"].read(2);
    startResponse(200, TEXT);
    return [body];
  },
  "early-hints": () => (environ, startResponse) => {
    const wasSent = environ["gateway.early_hints"]([["Link", "</style.css>; rel=preload; as=style"]]);
    startResponse(200, TEXT);
    return [String(wasSent)];
  },
};
