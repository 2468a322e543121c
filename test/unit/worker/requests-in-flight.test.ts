import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beginReply,
  endReply,
  type Flight,
  listRequests as listOf,
  underwayOn,
} from "../../../src/worker/requests-in-flight.ts";

function flight(): Flight {
  return { inFlight: 0, newest: undefined, newestAt: 0, others: undefined };
}

function reply(url: string, method = "GET"): ServerResponse {
  return { req: { method, url, headers: {} } } as ServerResponse;
}

const listRequests = (flights: readonly Flight[], limit: number): ReturnType<typeof listOf> =>
  listOf(
    flights.map((one) => ({ underway: () => underwayOn(one) })),
    limit,
  );

const paths = (flights: readonly Flight[], limit = 50): string[] =>
  listRequests(flights, limit).requests.map(({ path }) => path);

describe("requests in flight", () => {
  it("are told with method, path without query, and age", () => {
    const one = flight();
    beginReply(one, reply("/orders/7?token=secret#x", "POST"));
    one.newestAt -= 1234;
    expect(listRequests([one], 50)).toEqual({
      inFlight: 1,
      requests: [{ method: "POST", path: "/orders/7", ageMs: 1234 }],
    });
  });

  it("are told the oldest first, and no more than asked for", () => {
    const flights = [3, 1, 2].map((age) => {
      const one = flight();
      beginReply(one, reply(`/${age}`));
      one.newestAt = age;
      return one;
    });
    expect(paths(flights)).toEqual(["/1", "/2", "/3"]);
    expect(paths(flights, 2)).toEqual(["/1", "/2"]);
    expect(listRequests(flights, 2).inFlight).toBe(3);
  });

  it("need no list of their own where one follows the other", () => {
    const one = flight();
    for (let request = 0; request < 3; request++) {
      const each = reply("/");
      beginReply(one, each);
      endReply(one, each);
    }
    expect(one).toMatchObject({ inFlight: 0, others: undefined });
    expect(paths([one])).toEqual([]);
  });

  it("are those that have begun and not ended, in whatever order several on one connection do", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat({ max: 9 }), { freq: 3 })), (steps) => {
        const one = flight();
        const open: ServerResponse[] = [];
        for (const [index, step] of steps.entries()) {
          if (step === null || open.length === 0) {
            const begun = reply(`/${index}`);
            open.push(begun);
            beginReply(one, begun);
          } else {
            for (const ended of open.splice(step % open.length, 1)) endReply(one, ended);
          }
        }
        expect(paths([one], 1000).toSorted()).toEqual(open.map(({ req }) => req.url).toSorted());
        expect(one.others?.size ?? 0).toBeLessThanOrEqual(open.length);
      }),
    );
  });
});
