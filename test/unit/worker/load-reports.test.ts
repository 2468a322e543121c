/** When a worker tells its load, on a clock that stands still until it is moved. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WorkerLoad } from "../../../src/worker-load.ts";
import { LoadReports } from "../../../src/worker/load-reports.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function start(): { reports: LoadReports; told: number[]; count: (to: number) => void } {
  const told: number[] = [];
  const reports = new LoadReports({
    admission: () => ({ isAccepting: true, isFull: false }),
    tell: ({ connections }: WorkerLoad) => told.push(connections),
  });
  let current = 0;
  const count = (to: number): void => {
    while (current !== to) reports.countChanged((current += Math.sign(to - current)));
  };
  vi.advanceTimersByTime(1000);
  return { reports, told, count };
}

describe("the load is told", () => {
  it("not before the master wants it, then at once", () => {
    const { reports, told, count } = start();
    count(50);
    expect(told).toEqual([]);
    reports.want(true);
    expect(told).toEqual([50]);
    reports.want(false);
    count(90);
    expect(told).toEqual([50]);
  });

  it("when two connections have come, every ten milliseconds at most, the newest number", () => {
    const { reports, told, count } = start();
    reports.want(true);
    vi.advanceTimersByTime(10);
    count(9);
    expect(told).toEqual([0, 8]);
    count(15);
    expect(told).toEqual([0, 8]);
    vi.advanceTimersByTime(10);
    expect(told).toEqual([0, 8, 15]);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([0, 8, 15]);
  });

  it("when connections have gone, also down to none", () => {
    const { reports, told, count } = start();
    count(20);
    reports.want(true);
    vi.advanceTimersByTime(10);
    count(0);
    vi.advanceTimersByTime(10);
    expect(told).toEqual([20, 18, 0]);
  });

  it.each([
    ["while there are few", 7],
    ["when one has come", 101],
    ["when it is a small share of what there are", 3],
  ])("not %s", (_why, change) => {
    const { reports, told, count } = start();
    count(change === 7 ? 0 : change === 3 ? 1000 : 100);
    reports.want(true);
    vi.advanceTimersByTime(10);
    count(change === 3 ? 1003 : change);
    vi.advanceTimersByTime(100);
    expect(told).toHaveLength(1);
  });

  it("hardly ever while connections come and go quickly, but when that is over", () => {
    const { reports, told, count } = start();
    reports.want(true);
    for (let round = 0; round < 100; round++) {
      vi.advanceTimersByTime(10);
      count(round % 2 === 0 ? 40 : 5);
    }
    expect(told.length).toBeLessThan(25);
    count(60);
    // Heartbeats go on.
    for (let second = 0; second < 3; second++) {
      vi.advanceTimersByTime(1000);
      reports.take();
    }
    expect(reports.take().connections).toBe(60);
  });
});

describe("a heartbeat's load", () => {
  it("follows what matters and nothing else", () => {
    const { reports, count } = start();
    count(100);
    expect(reports.take()).toMatchObject({ connections: 100, isAccepting: true, isFull: false });
    count(102);
    expect(reports.take()).toMatchObject({ connections: 100 });
    count(110);
    expect(reports.take()).toMatchObject({ connections: 110 });
  });
});

it("says how busy the loop has been", () => {
  vi.useRealTimers();
  const reports = new LoadReports({ admission: () => ({ isAccepting: true, isFull: false }), tell: () => {} });
  expect(reports.take().utilization).toBe(0);
  const endsAt = performance.now() + 250;
  while (performance.now() < endsAt);
  expect(reports.take().utilization).toBeGreaterThan(0.5);
});
