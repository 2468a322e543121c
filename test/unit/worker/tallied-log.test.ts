import { expect, it } from "vitest";
import { TalliedLog } from "../../../src/worker/tallied-log.ts";

it("tells the first at once, and those that follow together, each kind by itself", () => {
  const records: unknown[] = [];
  const log = new TalliedLog((fields) => records.push(fields));
  log.tell(0);
  log.count("send", { timeout: "send" }, { client: "a" });
  log.tell(0);
  expect(records.splice(0)).toEqual([{ timeout: "send", count: 1, client: "a" }]);
  for (let i = 0; i < 500; i++) log.count("send", { timeout: "send" }, { client: `b${i}` });
  log.count("body", { timeout: "body" });
  log.tell(9000);
  expect(records.splice(0)).toEqual([{ timeout: "body", count: 1 }]);
  log.tell(10_000);
  expect(records.splice(0)).toEqual([{ timeout: "send", count: 500, client: "b499" }]);
  log.tell(60_000);
  expect(records).toEqual([]);
});

it("tells no more than so many a minute, and what was left out when the next one has begun", () => {
  const records: unknown[] = [];
  const log = new TalliedLog((fields) => records.push(fields), 10);
  for (let at = 0; at < 60_000; at += 500) {
    for (const kind of ["a", "b", "c"]) log.count(kind, { kind });
    log.tell(at);
  }
  expect(records.splice(0)).toHaveLength(10);
  log.tell(60_000);
  expect(records).toEqual(["a", "b", "c"].map((kind) => ({ kind, count: expect.any(Number) as number })));
  expect(records.every((record) => (record as { count: number }).count > 50)).toBe(true);
});
