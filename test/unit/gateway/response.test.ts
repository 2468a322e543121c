import { describe, expect, test } from "vitest";
import type { HeaderList, StartResponse, Status } from "../../../src/gateway/types.ts";
import { FakeExchange, onlyError, run } from "./fake-exchange.ts";

/** An application that answers with this head and body. */
const answer = (body: unknown, headers: HeaderList = [], status: Status = 200) =>
  function application(_: unknown, startResponse: StartResponse) {
    startResponse(status, headers);
    return body;
  };

function* chunks(...list: unknown[]) {
  yield* list;
}

describe("a list", () => {
  test("of one chunk leaves in one piece with its length", () => {
    const exchange = run(answer(["hello"]));
    expect(exchange.verbs).toEqual(["head 200", "end hello"]);
    expect(exchange.length).toBe(5);
    expect(exchange.watcher, "nothing was listened for").toBeUndefined();
  });

  test("is counted in bytes, not in characters", () => {
    expect(run(answer(["caf\u00e9"])).length).toBe(5);
    expect(run(answer([Buffer.from("caf\u00e9")])).length).toBe(5);
  });

  test("of several chunks has a length too and keeps its pieces", () => {
    const exchange = run(answer(["ab", "", Buffer.from("cd")]));
    expect(exchange.verbs).toEqual(["head 200", "write ab", "write cd", "end"]);
    expect(exchange.length).toBe(4);
  });

  test.each([[[]], [[""]], [["", Buffer.alloc(0)]]])("without content (%j) has length 0", (body) => {
    const exchange = run(answer(body));
    expect(exchange.verbs).toEqual(["head 200", "end"]);
    expect(exchange.length).toBe(0);
  });

  test("with a chunk that is none is a 500, whatever stands before it", () => {
    const exchange = run(answer(["good", 5]));
    expect(exchange.verbs).toEqual(["head 500", "end Internal Server Error\n"]);
    expect(onlyError(exchange)).toBe("the body has a number as a chunk; chunks are Uint8Array or string");
  });

  test("is answered at once: no promise is waited for", () => {
    const exchange = new FakeExchange();
    run(answer(["now"]), exchange);
    expect(exchange.body).toBe("now");
  });
});

describe("the head", () => {
  test("waits for the first chunk that is not empty", () => {
    const verbs: string[][] = [];
    const exchange = new FakeExchange();
    run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, []);
      for (const chunk of ["", Buffer.alloc(0), "first", "second"]) {
        verbs.push([...exchange.verbs]);
        yield chunk;
      }
      verbs.push([...exchange.verbs]);
    }, exchange);
    expect(verbs).toEqual([[], [], [], ["head 200", "write first"], ["head 200", "write first", "write second"]]);
  });

  test("may be asked for at the first pull", () => {
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(201, []);
      yield "x";
    });
    expect(exchange.verbs).toEqual(["head 201", "write x", "end"]);
  });

  test("is sent at the end of a body that is empty, with length 0", () => {
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      yield "";
      startResponse(200, []);
    });
    expect(exchange.verbs).toEqual(["head 200", "end"]);
    expect(exchange.length).toBe(0);
  });

  test("has no length when the body's is not known", () => {
    expect(run(answer(chunks("a", "b"))).length).toBeUndefined();
  });

  test.each([[["body"]], [[]], [chunks("body")], [chunks()], [new Set(["body"])]])(
    "that nobody asked for is a 500 (body %#)",
    (body) => {
      const exchange = run(() => body);
      expect(exchange.status).toBe(500);
      expect(onlyError(exchange)).toMatch(/without a successful call of startResponse/);
    },
  );
});

describe("Content-Length of the application", () => {
  const length = (n: number): HeaderList => [["content-length", String(n)]];

  test.each([[["abc"]], [["a", "bc"]], [chunks("a", "bc")]])("is kept when it is right (body %#)", (body) => {
    const exchange = run(answer(body, length(3)));
    expect([exchange.body, exchange.length, exchange.verbs.at(-1)]).toEqual(["abc", 3, expect.stringMatching(/^end/)]);
    expect(exchange.sentHeaders).toEqual([]);
    expect(exchange.errors).toEqual([]);
  });

  test.each([[["abcdef"]], [["ab", "cdef"]], [chunks("abc", "def")], [chunks("ab", Buffer.from("cdef"), "more")]])(
    "is never exceeded (body %#)",
    (body) => {
      const exchange = run(answer(body, length(3)));
      expect([exchange.body, exchange.length, exchange.verbs.at(-1)]).toEqual(["abc", 3, "end"]);
      expect(onlyError(exchange)).toMatch(/longer than its Content-Length/);
    },
  );

  test("stops an endless body", () => {
    let pulled = 0;
    let wasLeft = false;
    const exchange = run(function* (_: unknown, startResponse: StartResponse) {
      startResponse(200, length(3));
      try {
        for (;;) {
          pulled += 1;
          yield "x";
        }
      } finally {
        wasLeft = true;
      }
    });
    expect([exchange.body, pulled, wasLeft]).toEqual(["xxx", 4, true]);
  });

  test("counts a multi-byte chunk that is cut in bytes", () => {
    const exchange = run(answer(["\u00e9\u00e9"], length(3)));
    expect(exchange.body).toBe("\u00e9\uFFFD");
  });

  test.each([[["abc"]], [["a", "bc"]], [chunks("a", "bc")]])(
    "that is not reached breaks the response (body %#)",
    (body) => {
      const exchange = run(answer(body, length(10)));
      expect(exchange.body).toBe("abc");
      expect(exchange.verbs.at(-1)).toBe("destroy");
      expect(onlyError(exchange)).toBe("the body is 7 bytes shorter than its Content-Length");
    },
  );

  test.each([[[]], [[""]], [chunks()]])("without any body is a 500, since nothing was sent (body %#)", (body) => {
    const exchange = run(answer(body, length(10)));
    expect(exchange.verbs).toEqual(["head 500", "end Internal Server Error\n"]);
    expect(onlyError(exchange)).toMatch(/10 bytes shorter/);
  });

  test("0 is fine without a body", () => {
    expect(run(answer([], length(0))).verbs).toEqual(["head 200", "end"]);
  });
});

describe("HEAD", () => {
  const head = (body: unknown, headers: HeaderList = []) => run(answer(body, headers), { method: "HEAD" });

  test("has the headers of GET and no body", () => {
    const exchange = head(["hello"], [["X-A", "1"]]);
    expect(exchange.verbs).toEqual(["head 200", "end"]);
    expect([exchange.length, exchange.sentHeaders]).toEqual([5, ["X-A", "1"]]);
  });

  test("keeps the Content-Length of an application that leaves the body out", () => {
    for (const body of [[], chunks(), ["other"]]) {
      const exchange = head(body, [["Content-Length", "10"]]);
      expect([exchange.length, exchange.verbs.at(-1), exchange.errors]).toEqual([10, "end", []]);
    }
  });

  test("does not claim length 0 for a body that was not made", () => {
    expect(head(chunks()).length).toBeUndefined();
  });

  test("pulls one chunk, leaves the rest and closes the body", () => {
    const seen: string[] = [];
    const exchange = run(
      function* (_: unknown, startResponse: StartResponse) {
        startResponse(200, []);
        try {
          seen.push("first");
          yield "a";
          seen.push("second");
          yield "b";
        } finally {
          seen.push("finally");
        }
      },
      { method: "HEAD" },
    );
    expect(exchange.verbs).toEqual(["head 200", "end"]);
    expect(seen).toEqual(["first", "finally"]);
  });

  test("of an application that fails is a 500 without body", () => {
    const exchange = run(
      () => {
        throw new Error("x");
      },
      { method: "HEAD" },
    );
    expect(exchange.verbs).toEqual(["head 500", "end"]);
    expect(exchange.length).toBe(22);
  });
});

describe.each([204, 304])("%i", (status) => {
  test.each([[["content"]], [[]], [["a", "b"]], [chunks("a", "b")], [chunks()]])(
    "has no body, no Content-Type and no Content-Length (body %#)",
    (body) => {
      const headers: HeaderList = [
        ["Content-Type", "text/plain"],
        ["Content-Length", "7"],
        ["ETag", '"x"'],
      ];
      const exchange = run(answer(body, headers, status));
      expect(exchange.verbs).toEqual([`head ${status}`, "end"]);
      expect([exchange.length, exchange.sentHeaders]).toEqual([undefined, ["ETag", '"x"']]);
      expect(exchange.errors).toEqual([]);
    },
  );
});

describe("an error", () => {
  const error = new Error("of the application");
  const fail = (): never => {
    throw error;
  };

  test.each<[string, (_: unknown, startResponse: StartResponse) => unknown]>([
    ["in the call", fail],
    ["in the call, after startResponse", (_, s) => (s(200, []), fail())],
    ["in an async call", async () => fail()],
    [
      "at the first pull",
      function* () {
        yield fail();
      },
    ],
    [
      "after empty chunks",
      function* (_, s) {
        s(200, []);
        yield "";
        fail();
      },
    ],
    [
      "at the first async pull",
      async function* () {
        yield fail();
      },
    ],
  ])("%s, before anything is sent, is a plain 500", async (_, application) => {
    const exchange = run(application);
    await exchange.done;
    expect(exchange.verbs).toEqual(["head 500", "end Internal Server Error\n"]);
    expect(exchange.sentHeaders).toEqual(["Content-Type", "text/plain; charset=utf-8"]);
    expect(exchange.length).toBe(22);
    expect(exchange.errors).toEqual([error]);
  });

  test.each<[string, (_: unknown, startResponse: StartResponse) => unknown]>([
    [
      "in a body",
      function* (_, s) {
        s(200, []);
        yield "a";
        fail();
      },
    ],
    [
      "in an async body",
      async function* (_, s) {
        s(200, []);
        yield "a";
        fail();
      },
    ],
    [
      "in a body with a length",
      function* (_, s) {
        s(200, [["Content-Length", "1"]]);
        yield "a";
        fail();
      },
    ],
  ])("%s, after the head, destroys the response: it never ends as if it were whole", async (_, application) => {
    const exchange = run(application);
    expect(await exchange.done).toBe("destroy");
    expect(exchange.verbs).toEqual(["head 200", "write a", "destroy"]);
    expect(exchange.errors).toEqual([error]);
  });

  test("that is no Error object is reported as it is", () => {
    const thrown: unknown = undefined;
    const exchange = run(() => {
      throw thrown;
    });
    expect([exchange.status, exchange.errors]).toEqual([500, [undefined]]);
  });

  test("of whoever is told about errors changes nothing", () => {
    const exchange = new FakeExchange();
    exchange.errors.push = fail;
    run(fail, exchange);
    expect(exchange.status).toBe(500);
  });

  test("is reported with the method and the path without its query", async () => {
    const { runApplication } = await import("../../../src/gateway/run.ts");
    const seen: unknown[] = [];
    runApplication(fail, new FakeExchange({ method: "POST", target: "/a%20b?token=secret" }), {
      multiprocess: false,
      errors: { write() {}, writelines() {}, flush() {} },
      urlScheme: undefined,
      onError: (_, request) => seen.push(request),
    });
    expect(seen).toEqual([{ method: "POST", path: "/a%20b" }]);
  });
});
