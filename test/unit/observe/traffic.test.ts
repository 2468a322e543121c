import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestsIn, sumOf } from "../../../src/observe/request-totals.ts";
import { Traffic } from "../../../src/observe/traffic.ts";
import type { RequestTotals } from "../../../src/worker-stats.ts";
import { arbitraryTotals, statsWith } from "./totals.ts";

describe("what all workers have done", () => {
  it("never shrinks, whoever reports, goes or comes", () => {
    const happening = fc.record({ pick: fc.integer({ min: 0, max: 3 }), ends: fc.boolean(), added: arbitraryTotals() });
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const traffic = new Traffic(0);
        const live = new Map<number, { id: number; totals: RequestTotals }>();
        let [now, newest, done, before] = [0, 0, 0, 0];
        for (const { pick, ends, added } of happenings) {
          now += 500;
          const worker = live.get(pick) ?? { id: ++newest, totals: statsWith({}).totals };
          worker.totals = sumOf([worker.totals, added]);
          live.set(pick, worker);
          traffic.report(worker.id, pick, statsWith(worker.totals), now - 500, now);
          done += requestsIn(added);
          if (ends) {
            traffic.gone(worker.id);
            live.delete(pick);
          }
          const total = requestsIn(traffic.totals());
          expect(total).toBe(done);
          expect(total).toBeGreaterThanOrEqual(before);
          before = total;
        }
      }),
    );
  });

  it("has come to pass since the worker's last turn, however long nothing was told", () => {
    const traffic = new Traffic(0);
    traffic.report(1, 0, statsWith({}), 0, 1000);
    traffic.report(1, 0, statsWith({ byStatus: [40, 0, 0, 0, 0] }, { sinceMs: 2000 }), 0, 60_000);
    const { seconds } = { seconds: traffic.recent.seconds(63_000) };
    expect(seconds.map(({ requests }) => requests).filter((requests) => requests > 0)).toEqual([20, 20]);
  });

  it("counts what is in progress only of those that live", () => {
    const traffic = new Traffic(0);
    traffic.report(1, 0, statsWith({}, { inFlight: 2, connections: 5 }), 0, 1000);
    traffic.report(2, 1, statsWith({}, { inFlight: 1, connections: 1 }), 0, 1000);
    expect(traffic.now()).toEqual({ inFlight: 3, connections: 6 });
    traffic.gone(1);
    expect(traffic.now()).toEqual({ inFlight: 1, connections: 1 });
    expect(traffic.heard(1)).toBeUndefined();
  });

  it("keeps the CPU time of a slot when its worker changes", () => {
    const traffic = new Traffic(0);
    traffic.report(1, 0, statsWith({}), 0, 1000);
    traffic.gone(1);
    traffic.report(2, 0, statsWith({}), 1000, 2000);
    traffic.report(3, 1, statsWith({}), 1000, 2000);
    expect([...traffic.cpuSeconds()]).toEqual([
      [0, 2],
      [1, 1],
    ]);
  });
});
