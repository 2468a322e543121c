/** The validator before and behind a middleware: what each of its two sides does wrong, and nothing where nothing is. */

import { describe, expect, test } from "vitest";
import type { Application, Body, Chunk, HeaderList } from "../../../../src/gateway/types.ts";
import { RuleBreach, validator } from "../../../../src/gateway/validator/index.ts";
import { FakeExchange, run } from "../fake-exchange.ts";

type Middleware = (application: Application) => Application;
type Closable = { close(): unknown };

const TEXT: HeaderList = [["Content-Type", "text/plain"]];

const asyncApplication: Application = async function* (_, startResponse) {
  startResponse(200, TEXT);
  yield "a";
  yield "b";
};

const syncApplication: Application = function* (_, startResponse) {
  startResponse(200, [...TEXT, ["Content-Length", "2"]]);
  yield "a";
  yield "b";
};

const changesItsMind: Application = function* (_, startResponse) {
  startResponse(200, TEXT);
  yield "";
  startResponse(404, TEXT, { error: new Error("x") });
  yield "ab";
};

/** Serves one request with the validator on both sides, and says of each which rules were broken. */
async function judge(middleware: Middleware, application: Application) {
  const findings = { before: [] as string[], behind: [] as string[] };
  const record = (list: string[]) => (breach: RuleBreach) => void list.push(`${breach.rule} ${breach.role}`);
  const inner = validator(application, { onFinding: record(findings.behind) });
  const exchange = new FakeExchange();
  run(validator(middleware(inner), { onFinding: record(findings.before) }), exchange);
  await exchange.done;
  // What a body's close() has still to wait for.
  await new Promise((resolve) => setImmediate(resolve));
  return { exchange, ...findings };
}

const onBody =
  (change: (body: Body) => Body): Middleware =>
  (application) =>
  async (environ, startResponse) =>
    change(await application(environ, startResponse));

describe("a middleware", () => {
  test.each<[string, Middleware, Application]>([
    ["hands everything on", (application) => application, asyncApplication],
    ["hands a copy of the environ on", (application) => (environ, startResponse) => application({ ...environ }, startResponse), asyncApplication], // prettier-ignore
    [
      "wraps the body and closes it",
      onBody(async function* (body) {
        try {
          for await (const chunk of body) yield chunk;
        } finally {
          await (body as Body & Closable).close();
        }
      }),
      asyncApplication,
    ],
    [
      "has a body with a close() of its own",
      onBody((body) => ({
        [Symbol.iterator]: () => (body as Iterable<Chunk>)[Symbol.iterator](),
        close: () => (body as Body & Closable).close(),
      })),
      syncApplication,
    ],
    [
      "wraps startResponse and hands all on",
      (application) => (environ, startResponse) =>
        application(environ, (status, headers, options) => startResponse(status, [...headers, ["X-A", "1"]], options)),
      changesItsMind,
    ],
  ])("that %s breaks nothing", async (_, middleware, application) => {
    const { exchange, before, behind } = await judge(middleware, application);
    expect([exchange.body, exchange.errors, before, behind]).toEqual(["ab", [], [], []]);
  });

  test.each<[string, Middleware, Application, { before?: string[]; behind?: string[] }]>([
    [
      "never closes the body that it reads",
      onBody(async function* (body) {
        for await (const chunk of body) yield chunk;
      }),
      asyncApplication,
      { behind: ["C-1 server"] },
    ],
    [
      "collects the body and forgets it",
      (application) => (environ, startResponse) => [
        [...(application(environ, startResponse) as Iterable<Chunk>)].join(""),
      ],
      syncApplication,
      { behind: ["C-1 server"] },
    ],
    [
      "answers in the place of the application and forgets its body",
      (application) => (environ, startResponse) => {
        void application(environ, () => {});
        startResponse(403, TEXT);
        return ["no"];
      },
      asyncApplication,
      { behind: ["C-1 server"] },
    ],
    [
      "makes the body longer and keeps its length",
      onBody(function* (body) {
        try {
          yield* body as Iterable<Chunk>;
          yield "c";
        } finally {
          (body as Body & Closable).close();
        }
      }),
      syncApplication,
      { before: ["B-6 application"] },
    ],
    [
      "does not hand the error on",
      (application) => (environ, startResponse) =>
        application(environ, (status, headers) => startResponse(status, headers)),
      changesItsMind,
      { before: ["S-2 application"] },
    ],
    [
      "gives the environ a prototype of its own",
      (application) => (environ, startResponse) =>
        application(Object.assign(Object.create({}), environ), startResponse),
      asyncApplication,
      { behind: ["E-1 server"] },
    ],
    [
      "leaves PATH_INFO out",
      (application) => (environ, startResponse) => {
        const { PATH_INFO, ...rest } = environ;
        return application({ ...rest, "own.path": PATH_INFO } as never, startResponse);
      },
      asyncApplication,
      { behind: ["E-2 server"] },
    ],
    [
      "takes the whole prefix for SCRIPT_NAME",
      (application) => (environ, startResponse) => application({ ...environ, SCRIPT_NAME: "/" }, startResponse),
      asyncApplication,
      { behind: ["E-5 server"] },
    ],
  ])("that %s is named", async (_, middleware, application, { before = [], behind = [] }) => {
    const seen = await judge(middleware, application);
    expect({ before: seen.before, behind: seen.behind }).toEqual({ before, behind });
  });
});
