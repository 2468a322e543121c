/** Servers that break a rule each, as what they do with an application: what the validator must say of them. */

import { createEnviron } from "../../../../src/gateway/environ.ts";
import type { Application, Body, Environ, GatewayInput, StartResponse } from "../../../../src/gateway/types.ts";
import { FakeExchange } from "../fake-exchange.ts";

export interface BrokenServer {
  readonly rule: string;
  readonly does: string;
  /** Serves one request with an application behind the validator. */
  readonly serve: (application: Application) => unknown;
  /** What the application behind the validator does; default: answers with two chunks of a generator. */
  readonly application?: Application;
}

const CONTEXT = {
  multiprocess: false,
  errors: { write() {}, writelines() {}, flush() {} },
  urlScheme: undefined,
};

/** An environ as it has to be. */
export function goodEnviron(headers: readonly string[] = ["Host", "h"]): Environ {
  return createEnviron(new FakeExchange({ headers }), CONTEXT, { signal: new AbortController().signal });
}

export const start: StartResponse = () => {};

/** A server that gives this in its environ; undefined takes a key away. */
const gives = (changes: Readonly<Record<string, unknown>>) => (application: Application) => {
  const environ = goodEnviron() as unknown as Record<string, unknown>;
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete environ[key];
    else environ[key] = value;
  }
  return application(environ as unknown as Environ, start);
};

const isWrong = (rule: string, does: string, changes: Readonly<Record<string, unknown>>): BrokenServer => ({
  rule,
  does: `gives ${does}`,
  serve: gives(changes),
});

/** A server with an input of its own, and an application that reads it. */
function inputs(
  rule: string,
  does: string,
  input: unknown,
  read: (input: GatewayInput) => unknown,
  length?: string,
): BrokenServer {
  const changes = { "gateway.input": input, ...(length === undefined ? {} : { CONTENT_LENGTH: length }) };
  const application = async (environ: Environ, startResponse: StartResponse) => {
    await read(environ["gateway.input"]);
    startResponse(200, []);
    return [];
  };
  return { rule, does, serve: gives(changes), application };
}

function inputOf(...chunks: unknown[]): unknown {
  return {
    read: async () => chunks.shift() ?? new Uint8Array(0),
    [Symbol.asyncIterator]: () => ({
      next: async () =>
        chunks.length === 0 ? { done: true, value: undefined } : { done: false, value: chunks.shift() },
    }),
  };
}

const readAll = async (input: GatewayInput) => {
  while ((await input.read(8)).length > 0);
};

/** A server that does this with the body of the application. */
const handles = (use: (body: Body & { close(): unknown }) => unknown) => async (application: Application) =>
  use((await application(goodEnviron(), start)) as Body & { close(): unknown });

const syncIterator = (body: Body) => (body as Iterable<unknown>)[Symbol.iterator]();
const asyncIterator = (body: Body) => (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();

const asyncApplication: Application = async function* (_, startResponse) {
  startResponse(200, []);
  yield "a";
  yield "b";
};

const usesTool = (use: (environ: Environ) => unknown): Application => {
  return (environ, startResponse) => {
    use(environ);
    startResponse(200, []);
    return [];
  };
};

export const brokenServers: readonly BrokenServer[] = [
  { rule: "R-1", does: "calls without startResponse", serve: (application) => application(goodEnviron(), undefined as never) },
  { rule: "R-1", does: "calls with three arguments", serve: (application) => (application as (...args: unknown[]) => unknown)(goodEnviron(), start, 1) },
  { rule: "E-1", does: "gives no environ", serve: (application) => application(undefined as never, start) },
  { rule: "E-1", does: "gives a Map", serve: (application) => application(new Map() as never, start) },
  { rule: "E-1", does: "gives an object of a class", serve: (application) => application(Object.assign(Object.create({}), goodEnviron()), start) },
  { rule: "E-1", does: "freezes the environ", serve: (application) => application(Object.freeze(goodEnviron()), start) },
  isWrong("E-2", "no QUERY_STRING", { QUERY_STRING: undefined }),
  isWrong("E-2", "no gateway.signal", { "gateway.signal": undefined }),
  isWrong("E-3", "a number as SERVER_PORT", { SERVER_PORT: 80 }),
  isWrong("E-3", "a key of null", { REMOTE_USER: null }),
  isWrong("E-4", "an empty method", { REQUEST_METHOD: "" }),
  isWrong("E-4", "a method with a space", { REQUEST_METHOD: "GET /" }),
  isWrong("E-5", "/ as SCRIPT_NAME", { SCRIPT_NAME: "/" }),
  isWrong("E-5", "a SCRIPT_NAME with a slash at its end", { SCRIPT_NAME: "/app/" }),
  isWrong("E-5", "a SCRIPT_NAME without a slash", { SCRIPT_NAME: "app" }),
  isWrong("E-6", "a PATH_INFO without a slash", { PATH_INFO: "a" }),
  isWrong("E-7", "a QUERY_STRING with a fragment", { QUERY_STRING: "a#b" }),
  isWrong("E-8", "a decoded REQUEST_URI", { REQUEST_URI: "/a b" }),
  isWrong("E-9", "HTTP_CONTENT_TYPE", { HTTP_CONTENT_TYPE: "text/plain" }),
  isWrong("E-9", "HTTP_CONTENT_LENGTH", { HTTP_CONTENT_LENGTH: "1" }),
  isWrong("E-10", "a signed length", { CONTENT_LENGTH: "+1" }),
  isWrong("E-10", "an empty length", { CONTENT_LENGTH: "" }),
  isWrong("E-11", "an empty SERVER_NAME", { SERVER_NAME: "" }),
  isWrong("E-11", "a service as SERVER_PORT", { SERVER_PORT: "http" }),
  isWrong("E-12", "a bare version", { SERVER_PROTOCOL: "1.1" }),
  isWrong("E-13", "an empty address", { REMOTE_ADDR: "" }),
  isWrong("E-13", "an IPv4 address as IPv6", { REMOTE_ADDR: "::ffff:127.0.0.1" }),
  isWrong("E-13", "an empty port", { REMOTE_PORT: "" }),
  isWrong("E-14", "a header in lower case", { "HTTP_x-a": "1" }),
  isWrong("E-14", "a header with a line break", { HTTP_X_A: "a\r\nb" }),
  isWrong("E-14", "a decoded header", { HTTP_X_A: "\u20ac" }),
  isWrong("E-18", "a version of one number", { "gateway.version": 1 }),
  isWrong("E-18", "another version", { "gateway.version": [2, 0] }),
  isWrong("E-19", "another scheme", { "gateway.url_scheme": "ws" }),
  isWrong("E-20", "a number as a switch", { "gateway.run_once": 0 }),
  isWrong("E-21", "an object as a signal", { "gateway.signal": { aborted: false } }),
  isWrong("I-1", "an input that only iterates", { "gateway.input": (async function* () {})() }),
  isWrong("L-1", "an error stream without flush", { "gateway.errors": { write() {}, writelines() {} } }),
  isWrong("F-1", "no function as file_wrapper", { "gateway.file_wrapper": {} }),
  isWrong("H-1", "no function as early_hints", { "gateway.early_hints": false }),
  inputs("I-2", "reads strings", inputOf("text"), (input) => input.read(8)),
  inputs("I-2", "reads more than was asked for", inputOf(new Uint8Array(9)), (input) => input.read(8)),
  inputs("I-2", "reads on after the end", inputOf(new Uint8Array(0), new Uint8Array(1)), async (input) => {
    await input.read(8);
    await input.read(8);
  }),
  inputs("I-6", "reads more than CONTENT_LENGTH", inputOf(new Uint8Array(4), new Uint8Array(4)), readAll, "5"),
  inputs("I-7", "iterates over an empty chunk", inputOf(new Uint8Array(0)), async (input) => {
    for await (const chunk of input) void chunk;
  }),
  inputs("I-8", "makes a broken upload look whole", inputOf(new Uint8Array(4)), readAll, "5"),
  {
    rule: "F-1",
    does: "makes a path of a file",
    serve: gives({ "gateway.file_wrapper": () => "/path" }),
    application: usesTool((environ) => environ["gateway.file_wrapper"]("/path")),
  },
  {
    rule: "H-2",
    does: "says nothing of early hints",
    serve: gives({ "gateway.early_hints": () => undefined }),
    application: usesTool((environ) => environ["gateway.early_hints"]([["Link", "</a>"]])),
  },
  {
    rule: "S-13",
    does: "takes an error when the head is sent",
    serve: handles((body) => [...(body as Iterable<unknown>)]),
    application: function* (_, startResponse) {
      startResponse(200, []);
      yield "a";
      startResponse(500, [], { error: new Error("x") });
      yield "b";
    },
  },
  {
    rule: "B-4",
    does: "pulls while a pull is pending",
    serve: handles(async (body) => {
      const iterator = asyncIterator(body);
      await Promise.all([iterator.next(), iterator.next()]);
    }),
    application: asyncApplication,
  },
  {
    rule: "B-11",
    does: "iterates twice",
    serve: handles((body) => [[...(body as Iterable<unknown>)], [...(body as Iterable<unknown>)]]),
  },
  {
    rule: "B-11",
    does: "pulls after the end",
    serve: handles((body) => {
      const iterator = syncIterator(body);
      for (let i = 0; i < 4; i++) iterator.next();
    }),
  },
  {
    rule: "C-1",
    does: "closes twice",
    serve: handles((body) => {
      body.close();
      body.close();
    }),
  },
  {
    rule: "C-1",
    does: "closes a list twice",
    serve: handles((body) => {
      body.close();
      body.close();
    }),
    application: (_, startResponse) => {
      startResponse(200, []);
      return ["x"];
    },
  },
  {
    rule: "C-2",
    does: "closes without leaving the iteration",
    serve: handles((body) => {
      syncIterator(body).next();
      body.close();
    }),
  },
  {
    rule: "C-4",
    does: "pulls after close",
    serve: handles((body) => {
      const iterator = syncIterator(body);
      iterator.return?.();
      body.close();
      iterator.next();
    }),
  },
]; // prettier-ignore
