/** Applications that break a rule each: what the validator must say of them. */

import type { Application, Environ, HeaderList, StartResponse, Status } from "../../../../src/gateway/types.ts";
import type { FakeRequest } from "../fake-exchange.ts";

export interface BrokenApplication {
  readonly rule: string;
  readonly does: string;
  readonly application: Application;
  readonly request?: FakeRequest;
  /** What is found besides. */
  readonly also?: string;
  /** True: the head is sent before it shows, so there is no 500. */
  readonly isLate?: true;
}

const TEXT: HeaderList = [["Content-Type", "text/plain"]];

/** Any application, however wrong. */
const any = (run: (environ: Environ, startResponse: (...args: unknown[]) => void) => unknown): Application =>
  run as unknown as Application;

const starts = (...args: unknown[]) =>
  any((_environ, startResponse) => {
    startResponse(...args);
    return ["x"];
  });

const answers = (body: unknown, headers: HeaderList = TEXT, status: Status = 200) =>
  any((_environ, startResponse) => {
    startResponse(status, headers);
    return body;
  });

const reads = (run: (input: Environ["gateway.input"]) => unknown) =>
  any(async (environ, startResponse) => {
    await run(environ["gateway.input"]);
    startResponse(200, TEXT);
    return ["x"];
  });

function* chunks(...list: unknown[]) {
  yield* list;
}

export const brokenApplications: readonly BrokenApplication[] = [
  { rule: "S-1", does: "never starts a list", application: any(() => ["x"]) },
  { rule: "S-1", does: "gives a chunk before it starts", application: any(() => chunks("x")) },
  { rule: "S-1", does: "ends without a start", application: any(() => chunks("", "")) },
  {
    rule: "S-2",
    does: "starts twice",
    application: any((_, startResponse) => {
      startResponse(200, TEXT);
      startResponse(200, TEXT);
      return ["x"];
    }),
  },
  { rule: "S-3", does: "gives no headers", application: starts(200) },
  { rule: "S-3", does: "gives four arguments", application: starts(200, TEXT, {}, 1) },
  { rule: "S-3", does: "gives an error in the place of options", application: starts(200, TEXT, new Error("x")) },
  { rule: "S-3", does: "gives null in the place of options", application: starts(200, TEXT, null) },
  { rule: "S-4", does: "gives a status without a code", application: starts("OK", TEXT) },
  { rule: "S-4", does: "gives a status without a space", application: starts("200", TEXT) },
  { rule: "S-4", does: "gives a status of two digits", application: starts(99, TEXT) },
  { rule: "S-4", does: "gives an interim status", application: starts(103, TEXT) },
  { rule: "S-4", does: "gives a line break in the reason", application: starts("200 OK\r\nX: y", TEXT) },
  { rule: "S-4", does: "gives no number", application: starts(undefined, TEXT) },
  { rule: "S-5", does: "gives an object of headers", application: starts(200, { "Content-Type": "text/plain" }) },
  { rule: "S-5", does: "gives a header of three", application: starts(200, [["A", "b", "c"]]) },
  { rule: "S-5", does: "gives a header that is a string", application: starts(200, ["A: b"]) },
  { rule: "S-6", does: "gives a name with a colon", application: starts(200, [["A:", "b"]]) },
  { rule: "S-6", does: "gives a name that is a number", application: starts(200, [[1, "b"]]) },
  { rule: "S-7", does: "gives a value that is a number", application: starts(200, [["A", 1]]) },
  { rule: "S-7", does: "gives a value with a line break", application: starts(200, [["A", "b\nC: d"]]) },
  { rule: "S-7", does: "gives a value beyond latin-1", application: starts(200, [["A", "\u20ac"]]) },
  { rule: "S-8", does: "sends Connection", application: starts(200, [["Connection", "close"]]) },
  { rule: "S-8", does: "sends Transfer-Encoding", application: starts(200, [["transfer-encoding", "chunked"]]) },
  { rule: "S-8", does: "sends Status", application: starts(200, [["Status", "200"]]) },
  { rule: "S-9", does: "gives a length that is none", application: starts(200, [["Content-Length", "1e1"]]) },
  { rule: "S-9", does: "gives two lengths", application: starts(200, [["Content-Length", "1"], ["content-length", "1"]]) }, // prettier-ignore
  {
    rule: "S-13",
    does: "hides the error that is thrown again",
    isLate: true,
    application: any(function* (_, startResponse) {
      startResponse(200, TEXT);
      yield "begun";
      try {
        startResponse(500, TEXT, { error: new Error("too late") });
      } catch {
        yield "as if nothing had been";
      }
    }),
  },
  { rule: "B-1", does: "returns a string", application: answers("Hello") },
  { rule: "B-1", does: "returns a buffer", application: answers(Buffer.from("Hello")) },
  { rule: "B-1", does: "returns nothing", application: answers(undefined) },
  { rule: "B-1", does: "returns null", application: answers(null) },
  { rule: "B-1", does: "promises a number", application: answers(Promise.resolve(5)) },
  { rule: "B-2", does: "has a number in a list", application: answers(["x", 5]) },
  {
    rule: "B-2",
    does: "has a number in a list that cannot be closed",
    also: "C-5",
    application: answers(
      Object.assign([5], {
        close() {
          throw new Error("of close()");
        },
      }),
    ),
  },
  { rule: "B-2", does: "has an object as its first chunk", application: answers(chunks({})) },
  { rule: "B-2", does: "has an ArrayBuffer as a later chunk", application: answers(chunks("x", new ArrayBuffer(1))), isLate: true }, // prettier-ignore
  {
    rule: "B-6",
    does: "gives a list longer than its length",
    application: answers(["abc"], [["Content-Length", "2"]]),
  },
  { rule: "B-6", does: "gives more than its length", application: answers(chunks("a", "bc"), [["Content-Length", "2"]]), isLate: true }, // prettier-ignore
  { rule: "B-6", does: "counts characters", application: answers(["\u00fc"], [["Content-Length", "1"]]) },
  { rule: "B-7", does: "gives a list shorter than its length", application: answers(["a"], [["Content-Length", "2"]]) },
  { rule: "B-7", does: "gives less than its length", application: answers(chunks("a"), [["Content-Length", "2"]]), isLate: true }, // prettier-ignore
  { rule: "I-4", does: "reads a negative number of bytes", application: reads((input) => input.read(-1)) },
  { rule: "I-4", does: "reads a text of bytes", application: reads((input) => input.read("1" as never)) },
  { rule: "I-4", does: "reads with two arguments", application: reads((input) => (input.read as (...args: number[]) => unknown)(1, 2)) }, // prettier-ignore
  { rule: "I-5", does: "reads while it reads", application: reads((input) => Promise.all([input.read(1), input.read(1)])) }, // prettier-ignore
  {
    rule: "I-5",
    does: "hides that it reads while it reads",
    application: reads(async (input) => {
      const first = input.read(1);
      await input.read(1).catch(() => {});
      await first;
    }),
  },
  {
    rule: "L-2",
    does: "writes bytes to the error stream",
    application: any((environ, startResponse) => {
      environ["gateway.errors"].write(Buffer.from("x") as never);
      startResponse(200, TEXT);
      return ["x"];
    }),
  },
  {
    rule: "L-2",
    does: "writes a string as lines",
    application: any((environ, startResponse) => {
      environ["gateway.errors"].writelines("x");
      startResponse(200, TEXT);
      return ["x"];
    }),
  },
  {
    rule: "S-8",
    does: "hints at what is the server's",
    application: any((environ, startResponse) => {
      environ["gateway.early_hints"]([["Connection", "close"]]);
      startResponse(200, TEXT);
      return ["x"];
    }),
  },
];

/** Applications that do what they SHOULD not: they are served, and told. */
export const adviceable: readonly BrokenApplication[] = [
  { rule: "S-14", does: "sends a body without saying what it is", application: answers(["x"], []) },
  { rule: "S-15", does: "sends a type with a 204", application: answers([], TEXT, 204) },
  { rule: "S-15", does: "sends a length with a 304", application: answers([], [["Content-Length", "5"]], 304) },
];

/** Applications that may do what they do. */
export const soundApplications: readonly BrokenApplication[] = [
  { rule: "", does: "answers with a list", application: answers(["a", "", Buffer.from("b")]) },
  { rule: "", does: "answers with a generator", application: answers(chunks("a", "b")) },
  { rule: "", does: "promises its body", application: answers(Promise.resolve(chunks("ab"))) },
  { rule: "", does: "is a generator", application: any(function* (_, startResponse) {
    yield "";
    startResponse("200 OK", TEXT);
    yield "ab";
  }) }, // prettier-ignore
  { rule: "", does: "is an async generator", application: any(async function* (_, startResponse) {
    startResponse("200 OK", TEXT);
    yield "ab";
  }) }, // prettier-ignore
  { rule: "", does: "changes its mind before anything is sent", application: any(function* (_, startResponse) {
    startResponse(404, TEXT);
    yield "";
    startResponse(200, TEXT, { error: new Error("x") });
    yield "ab";
  }) }, // prettier-ignore
  {
    rule: "",
    does: "reads and writes what it is given",
    request: { method: "POST", headers: ["Host", "h", "Content-Length", "2"], input: ["a", "b"] },
    application: any(async (environ: Environ, startResponse) => {
      const input = environ["gateway.input"];
      const read = [await input.read(1)];
      for await (const chunk of input) read.push(chunk);
      read.push(await input.read(), await input.read(0));
      environ["gateway.errors"].writelines(["a", "b"]);
      environ["gateway.errors"].flush();
      environ["gateway.early_hints"]([["Link", "</a>"]]);
      environ["gateway.signal"].throwIfAborted();
      environ["a.key"] = environ["gateway.file_wrapper"]((async function* () {})());
      (startResponse as StartResponse)(200, TEXT, {});
      return read;
    }),
  },
];
