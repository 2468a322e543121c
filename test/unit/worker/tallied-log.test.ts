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
