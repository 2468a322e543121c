import { describe, expect, test } from "vitest";
import type { StartResponse } from "../../../src/gateway/types.ts";
import { onlyError, run } from "./fake-exchange.ts";

const start = (status: unknown, headers: unknown = []) =>
  run((_: unknown, startResponse: StartResponse) => {
    startResponse(status as number, headers as []);
    return ["body"];
  });

describe("the status", () => {
  test.each<[number | string, number, string | undefined]>([
    [200, 200, undefined],
    ["200 OK", 200, "OK"],
    ["404 Not Found", 404, "Not Found"],
    ["299 ", 299, ""],
    ["200 \u00e9t\u00e9", 200, "\u00e9t\u00e9"],
    [599, 599, undefined],
  ])("%j is sent as %i with reason %j", (status, code, reason) => {
    const exchange = start(status);
    expect([exchange.status, exchange.reason]).toEqual([code, reason]);
    expect(exchange.errors).toEqual([]);
  });

  test.each([
    "200",
    "OK",
    "20 OK",
    "2000 OK",
    "200  OK",
    "200 OK\r\n",
    "200 OK\n",
    "200 O\u0000K",
    "200 \u0100",
    " 200 OK",
    "200\tOK",
    "",
    0,
    20,
    1000,
    200.5,
    Number.NaN,
    -200,
    null,
    undefined,
    true,
    {},
    ["200 OK"],
  ])("%j is refused", (status) => {
    const exchange = start(status);
    expect(exchange.status).toBe(500);
    expect(onlyError(exchange)).toMatch(/^the status /);
    expect(exchange.errors[0]).toBeInstanceOf(TypeError);
  });

  test.each([100, 101, "103 Early Hints", "100 Continue"])("%j is refused because it is not final", (status) => {
    expect(onlyError(start(status))).toMatch(/is not final/);
  });
});

describe("the headers", () => {
  test("are sent as they were given, in their order", () => {
    const headers = [
      ["Set-Cookie", "a=1"],
      ["x-lower", ""],
      ["Set-Cookie", "b=2"],
      ["X-Latin", "\u00e9"],
    ];
    const exchange = start(200, headers);
    expect(exchange.sentHeaders).toEqual(headers.flat());
  });

  test("are copied: what the application does with its list afterwards has no effect", () => {
    const headers: [string, string][] = [["X-A", "1"]];
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(200, headers);
      headers.push(["X-B", "2"]);
      return ["body"];
    });
    expect(exchange.sentHeaders).toEqual(["X-A", "1"]);
    expect(headers).toHaveLength(2);
  });

  test.each<[unknown, RegExp]>([
    [null, /headers must be a list of \[name, value\], not null/],
    [{ "X-A": "1" }, /not an object/],
    ["X-A: 1", /not a string/],
    [new Map([["X-A", "1"]]), /not a Map/],
    [["X-A", "1"], /number 1 is a string/],
    [[["X-A", "1"], ["X-B"]], /number 2 is a list of 1/],
    [[["X-A", "1", "2"]], /number 1 is a list of 3/],
    [[[1, "1"]], /name must be a string, not a number/],
    [[["", "1"]], /"" is not a header name/],
    [[["X A", "1"]], /"X A" is not a header name/],
    [[["X-A:", "1"]], /"X-A:" is not a header name/],
    [[["X-A\r\n", "1"]], /is not a header name/],
    [[["X-\u00e9", "1"]], /is not a header name/],
    [[["X-A", 1]], /value of the header X-A must be a string, not a number/],
    [[["X-A", undefined]], /X-A must be a string, not undefined/],
    [[["X-A", "a\nb"]], /X-A has a control character/],
    [[["X-A", "a\r\nSet-Cookie: b"]], /X-A has a control character/],
    [[["X-A", "a\tb"]], /X-A has a control character/],
    [[["X-A", "a\u0000"]], /X-A has a control character/],
    [[["X-A", "a\u007f"]], /X-A has a control character/],
    [[["X-A", "\u0100"]], /X-A has a control character or one beyond latin-1/],
    [[["Status", "200 OK"]], /Status is the server's/],
    [[["Content-Length", "x"]], /Content-Length "x" is not a number of bytes/],
    [[["Content-Length", "-1"]], /not a number of bytes/],
    [[["Content-Length", "1.5"]], /not a number of bytes/],
    [[["Content-Length", ""]], /not a number of bytes/],
    [[["Content-Length", "99999999999999999999"]], /not a number of bytes/],
    [[["Content-Length", 4]], /must be a string, not a number/],
    [
      [
        ["Content-Length", "4"],
        ["content-length", "4"],
      ],
      /more than one Content-Length/,
    ],
  ])("%j are refused", (headers, message) => {
    const exchange = start(200, headers);
    expect(onlyError(exchange)).toMatch(message);
    expect(exchange.errors[0]).toBeInstanceOf(TypeError);
    expect(exchange.status).toBe(500);
  });

  test.each([
    "Connection",
    "keep-alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Trailers",
    "Transfer-Encoding",
    "Upgrade",
    "UPGRADE",
  ])("%s is hop-by-hop and refused", (name) => {
    expect(onlyError(start(200, [[name, "x"]]))).toBe(
      `the header ${name} is the server's to send, not the application's`,
    );
  });
});

test("a wrong head is found when startResponse is called: the application's stack is in the error", () => {
  const exchange = run(function applicationOfTheUser(_: unknown, startResponse: StartResponse) {
    startResponse(200, [["X-A", "\n"]]);
    return [];
  });
  expect((exchange.errors[0] as Error).stack).toMatch(/applicationOfTheUser/);
});

describe("a second call", () => {
  test("without error is an error", () => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(200, []);
      startResponse(200, []);
      return ["body"];
    });
    expect(onlyError(exchange)).toMatch(/startResponse was called already/);
    expect(exchange.status).toBe(500);
  });

  test.each([{}, { error: undefined }])("with %j is one without error", (options) => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(200, []);
      startResponse(200, [], options);
      return ["body"];
    });
    expect(onlyError(exchange)).toMatch(/startResponse was called already/);
  });

  test("without error is an error even if the first one threw", () => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      expect(() => startResponse(200, [["X-A", "\n"]])).toThrow(TypeError);
      startResponse(200, []);
      return ["body"];
    });
    expect(onlyError(exchange)).toMatch(/startResponse was called already/);
  });

  test("with error replaces status and headers entirely while nothing is sent", () => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(200, [
        ["X-A", "1"],
        ["Content-Length", "1000"],
      ]);
      startResponse("503 Sorry", [["X-B", "2"]], { error: new Error("x") });
      return ["sorry"];
    });
    expect(exchange.verbs).toEqual(["head 503", "end sorry"]);
    expect(exchange.sentHeaders).toEqual(["X-B", "2"]);
    expect(exchange.length).toBe(5);
    expect(exchange.errors).toEqual([]);
  });

  test("with error works in a generator after empty chunks", () => {
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      yield "";
      startResponse(500, [], { error: new Error("x") });
      yield "failed";
    });
    expect(exchange.verbs).toEqual(["head 500", "write failed", "end"]);
  });

  test("with error after the head is sent throws that error, and the response is broken", () => {
    const error = new Error("the real one");
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      yield "begun";
      startResponse(500, [], { error });
      yield "never";
    });
    expect(exchange.verbs).toEqual(["head 200", "write begun", "destroy"]);
    expect(exchange.errors).toEqual([error]);
  });

  test.each([
    ["ends", []],
    ["goes on", ["more"]],
  ])("with error after the head is sent breaks the response even if the application catches it and %s", (_, rest) => {
    const error = new Error("the real one");
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      yield "begun";
      try {
        startResponse(500, [], { error });
      } catch {
        yield* rest;
      }
    });
    expect(exchange.verbs).toEqual(["head 200", "write begun", "destroy"]);
    expect(exchange.errors).toEqual([error]);
  });

  test("with an error that has no message still counts: null is one", () => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(200, []);
      startResponse(500, [], { error: null });
      return ["x"];
    });
    expect(exchange.status).toBe(500);
    expect(exchange.errors).toEqual([]);
  });

  test.each([new Error("x"), "error", null])("with %j as third argument is told how it is done", (options) => {
    const exchange = run((_: unknown, startResponse: StartResponse) => {
      startResponse(500, [], options as object);
      return [];
    });
    expect(onlyError(exchange)).toMatch(/startResponse takes \{ error \} as its third argument/);
  });
});
