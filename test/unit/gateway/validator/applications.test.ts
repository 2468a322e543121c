/** What the validator says of applications, over the gateway's own core. */

import { describe, expect, test } from "vitest";
import type { Application, Environ } from "../../../../src/gateway/types.ts";
import { RuleBreach, validator } from "../../../../src/gateway/validator/index.ts";
import { FakeExchange, run } from "../fake-exchange.ts";
import { adviceable, brokenApplications, soundApplications } from "./broken-applications.ts";

async function judge(application: Application, request = {}) {
  const findings: RuleBreach[] = [];
  const exchange = new FakeExchange(request);
  run(validator(application, { onFinding: (breach) => findings.push(breach) }), exchange);
  const how = await exchange.done;
  return { exchange, findings, how };
}

describe("an application", () => {
  test.each(brokenApplications)("that $does breaks $rule", async ({ rule, also, application, request, isLate }) => {
    const { exchange, findings, how } = await judge(application, request);
    const breach = findings.find((each) => each.rule === rule);
    expect(findings.map((each) => each.rule).toSorted()).toEqual(also === undefined ? [rule] : [rule, also]);
    expect([breach?.rule, breach?.role, breach?.isError]).toEqual([rule, "application", true]);
    expect(breach?.message).toMatch(new RegExp(`^${rule}: .*`));
    expect(exchange.errors).toContain(breach);
    if (isLate) expect(how).toBe("destroy");
    else expect([how, exchange.status]).toEqual(["end", 500]);
  });

  test.each(adviceable)("that $does is served, and told of $rule", async ({ rule, application, request }) => {
    const { exchange, findings, how } = await judge(application, request);
    expect(findings.map((breach) => [breach.rule, breach.role, breach.isError])).toEqual([
      [rule, "application", false],
    ]);
    expect(exchange.errors).toEqual([]);
    expect([how, exchange.status === 500]).toEqual(["end", false]);
  });

  test.each(soundApplications)("that $does is served as without the validator", async ({ application, request }) => {
    const { exchange, findings, how } = await judge(application, request);
    expect(exchange.errors).toEqual([]);
    expect(findings).toEqual([]);
    expect([how, exchange.status, exchange.body]).toEqual(["end", 200, "ab"]);
  });

  test("is named by the stack of what it threw", async () => {
    const { findings } = await judge(function culprit(_: Environ, startResponse) {
      startResponse("no status", []);
      return [];
    });
    expect(findings[0]?.stack?.split("\n")[1]).toContain("at culprit");
  });

  test("that hides a breach has no response all the same", async () => {
    const { exchange, findings } = await judge((_, startResponse) => {
      try {
        startResponse(200, [["Bad name", "x"]]);
      } catch {
        // As if nothing had been.
      }
      return ["x"];
    });
    expect(exchange.status).toBe(500);
    expect(findings.map(({ rule }) => rule)).toEqual(["S-6"]);
  });

  test("that starts again after a start that failed breaks S-2 as well", async () => {
    const { findings } = await judge((_, startResponse) => {
      try {
        startResponse("bad", []);
      } catch {
        startResponse(500, []);
      }
      return ["x"];
    });
    expect(findings.map(({ rule }) => rule)).toEqual(["S-4", "S-2"]);
  });

  test("that fails by itself fails as without the validator", async () => {
    const { exchange, findings } = await judge(() => {
      throw new Error("its own");
    });
    expect([exchange.status, findings]).toEqual([500, []]);
    expect(exchange.errors).toMatchObject([{ message: "its own" }]);
  });

  test("whose list is refused has its close() called", async () => {
    let closed = 0;
    const list = Object.assign(["x", 5 as never], { close: () => closed++ });
    await judge((_, startResponse) => {
      startResponse(200, []);
      return list;
    });
    expect(closed).toBe(1);
  });
});

test("advice goes to gateway.errors where nobody asks for it, and what is thrown does not", async () => {
  const written: string[] = [];
  const errors = { write: (text: string) => void written.push(text), writelines() {}, flush() {} };
  const inner = validator((environ, startResponse) => {
    startResponse(environ.PATH_INFO === "/bad" ? "bad" : 200, []);
    return ["x"];
  });
  const server: Application = (environ, startResponse) =>
    inner(Object.assign(environ, { "gateway.errors": errors }), startResponse);
  await run(server, { target: "/" }).done;
  await run(server, { target: "/bad" }).done;
  expect(written).toEqual(["S-14: the response has a body and no Content-Type\n"]);
});

test("a listener that throws changes nothing", async () => {
  const application = validator(
    (_, startResponse) => {
      startResponse(200, []);
      return ["x"];
    },
    { onFinding: () => { throw new Error("of the listener"); } }, // prettier-ignore
  );
  expect(await run(application).done).toBe("end");
});

test("what is no application is refused", () => {
  expect(() => validator({} as never)).toThrow(
    new TypeError("validator takes an application (environ, startResponse) => body, not an object"),
  );
});
