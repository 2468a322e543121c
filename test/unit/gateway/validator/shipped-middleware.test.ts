/** Every middleware that ships, between two validators, around every application of the suite that keeps the rules itself. */

import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import {
  basicAuthentication,
  compose,
  compression,
  errorPages,
  type Middleware,
  securityHeaders,
  staticFiles,
} from "../../../../src/gateway/middleware/index.ts";
import { type RuleBreach, validator } from "../../../../src/gateway/validator/index.ts";
import { applications } from "../../../conformance/applications.ts";
import { loadCases } from "../../../conformance/case.ts";
import { FakeExchange, run } from "../fake-exchange.ts";

const AUTHORIZATION = `Basic ${Buffer.from("name:word").toString("base64")}`;
const REQUEST = ["Host", "h", "Accept-Encoding", "gzip", "Authorization", AUTHORIZATION];

const middlewares: readonly (readonly [string, Middleware])[] = [
  ["basicAuthentication, who may come in", basicAuthentication({ users: { name: "word" } })],
  ["basicAuthentication, who may not", basicAuthentication({ users: { name: "other" } })],
  ["compression", compression({ threshold: 0 })],
  ["errorPages", errorPages()],
  ["securityHeaders", securityHeaders()],
  ["staticFiles", staticFiles({ directory: tmpdir() })],
  [
    "all of them",
    compose(errorPages(), securityHeaders(), compression({ threshold: 0 }), staticFiles({ directory: tmpdir() })),
  ],
];

/** Those that answer one client that does nothing but ask. */
const names = new Set(
  loadCases()
    .filter(({ breaks, then, leavesAfter, clients }) => (breaks ?? then ?? leavesAfter ?? clients) === undefined)
    .map(({ application }) => application),
);
const asked = ["GET", "HEAD"].flatMap((method) => [...names].map((name) => ({ method, name })));

describe.each(middlewares)("%s keeps the rules of both of its sides", (_, middleware) => {
  test.each(asked)("$method, $name", async ({ method, name }) => {
    const findings: RuleBreach[] = [];
    const watch = (application: Parameters<typeof validator>[0]) =>
      validator(application, { onFinding: (breach) => findings.push(breach) });
    const application = applications[name]?.([]);
    if (application === undefined) throw new Error(`there is no application ${name}`);
    const exchange = new FakeExchange({ method, target: "/nothing-there", headers: REQUEST });
    await run(watch(middleware(watch(application))), exchange).done;
    // What a body's close() has still to wait for.
    await new Promise((resolve) => setImmediate(resolve));
    expect(findings.filter(({ isError }) => isError).map(String)).toEqual([]);
  });
});
