/** What the engine is given by programs that no compiler checks. */

import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, Engine, type EngineOptions, serve, type ServeOptions } from "../../../src/http/index.ts";
import type { Application } from "../../../src/gateway/index.ts";
import { recorder } from "./ask-engine.ts";

const application = recorder([]);

describe.each<[unknown, string]>([
  [
    { fetch: () => new Response() },
    "the application is an object with fetch(request), which the tsgate command serves, and run of tsgate; the engine takes a function (environ, startResponse)",
  ],
  [{}, "the application must be a function (environ, startResponse), not an object"],
  [undefined, "the application must be a function (environ, startResponse), not undefined"],
  ["app.js", "the application must be a function (environ, startResponse), not a string"],
])("in the place of an application %j is refused", (given, complaint) => {
  const refusal = new TypeError(complaint);

  test("by serve", async () => {
    await expect(serve(given as Application)).rejects.toThrow(refusal);
  });

  test("by Engine", () => {
    expect(() => new Engine(given as Application)).toThrow(refusal);
  });
});

describe.each<[unknown, string]>([
  [{ limit: {} }, 'there is no option "limit"; there are '],
  [{ limits: { headerMs: 1000 } }, 'there is no limit "headerMs"; there are requestLine, requestFields, '],
  [{ limits: { bodyMs: "30s" } }, "limits.bodyMs must be a number, 0 or more and finite, not a string"],
  [{ limits: { bodyMs: NaN } }, "limits.bodyMs must be a number, 0 or more and finite, not NaN"],
  [{ limits: { requestBody: -1 } }, "limits.requestBody must be a number, 0 or more and finite, not -1"],
  [{ limits: { requestBody: Infinity } }, "limits.requestBody must be a number, 0 or more and finite, not Infinity"],
  [{ limits: { keepAliveMs: null } }, "limits.keepAliveMs must be a number, 0 or more and finite, not null"],
  [{ limits: null }, "limits must be an object, not null"],
  [{ onUpgrade: {} }, "onUpgrade must be a function, not an object"],
  [{ onError: true }, "onError must be a function, not a boolean"],
  [{ onBadRequest: "log" }, "onBadRequest must be a function, not a string"],
  [8000, "options must be an object, not a number"],
  [null, "options must be an object, not null"],
])("the options %j are refused", (options, complaint) => {
  test("by serve", async () => {
    const refusal: unknown = await serve(application, options as ServeOptions).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect((refusal as Error).message).toContain(complaint);
  });

  test("by Engine", () => {
    expect(() => new Engine(application, options as EngineOptions)).toThrow(TypeError);
    expect(() => new Engine(application, options as EngineOptions)).toThrow(complaint);
  });
});

test("what is refused names the options that there are, and only serve has an address", async () => {
  await expect(serve(application, { prot: 8000 } as ServeOptions)).rejects.toThrow(
    'there is no option "prot"; there are host, port, path, backlog, tls, limits, ',
  );
  expect(() => new Engine(application, { port: 8000 } as EngineOptions)).toThrow('there is no option "port"');
});

test("an explicit undefined is the default", async () => {
  const limits = { bodyMs: undefined, requestLine: undefined, headersMs: 1000 };
  const { rules } = new Engine(application, { limits });
  expect(rules.limits).toEqual({ ...DEFAULT_LIMITS, headersMs: 1000 });
  const names = ["host", "port", "path", "backlog", "tls", "limits", "onUpgrade", "onError", "trustedPeers", "errors"];
  const nothing = Object.fromEntries(names.map((name) => [name, undefined])) as ServeOptions;
  const server = await serve(application, nothing);
  expect(server.address).toBe(`http://127.0.0.1:${server.port}`);
  await server.close();
});
