/** The log reader of the integration tests: a wait must neither miss a record nor outlive the server. */

import { expect, test } from "vitest";
import { LogRecords } from "../../support/log-records.ts";
import { toTarget } from "../../support/tsgate.ts";

const line = (msg: string, fields: object = {}): string =>
  `${JSON.stringify({ level: 30, time: 1, msg, ...fields })}\n`;

test("a record that is already there is found", async () => {
  const log = new LogRecords();
  log.push(line("worker ready", { slot: 0 }));
  expect(await log.wait("worker ready")).toMatchObject({ slot: 0 });
});

test("a record that comes in pieces is found when its line is complete", async () => {
  const log = new LogRecords();
  const waiting = log.wait({ msg: "worker ready", slot: 1 });
  const text = line("worker ready", { slot: 0 }) + line("worker ready", { slot: 1 });
  for (const character of text) log.push(character);
  expect(await waiting).toMatchObject({ slot: 1 });
});

test("the n-th record, and only records after a place, can be waited for", async () => {
  const log = new LogRecords();
  log.push(line("worker ready", { slot: 0 }));
  const from = log.length;
  const second = log.wait("worker ready", { nth: 2 });
  const later = log.wait((record) => record.msg === "worker ready", { from });
  log.push(line("worker ready", { slot: 7 }));
  expect(await second).toMatchObject({ slot: 7 });
  expect(await later).toMatchObject({ slot: 7 });
});

test("a wait ends with the server, and shows its log", async () => {
  const log = new LogRecords();
  const waiting = log.wait("worker ready");
  log.push(line("worker gone", { cause: "crash" }));
  log.push("Error: without a line end");
  log.end("ended with 3");
  await expect(waiting).rejects.toThrow(/ended with 3[^]*crash[^]*without a line end/);
  await expect(log.wait("worker ready")).rejects.toThrow(/ended with 3/);
  await expect(log.wait("worker gone")).resolves.toMatchObject({ cause: "crash" });
});

test("a wait for what never comes ends in time", async () => {
  await expect(new LogRecords().wait("degraded", { timeoutMs: 20 })).rejects.toThrow(/not in 20 ms/);
});

test("what is no record is kept apart", () => {
  const log = new LogRecords();
  log.push(`tsgate: no such file\n{"a":1}\n{broken\n${line("ok")}`);
  expect(log.records.map(({ msg }) => msg)).toEqual(["ok"]);
  expect(log.otherLines).toEqual(["tsgate: no such file", '{"a":1}', "{broken"]);
});

test.each([
  ["127.0.0.1:8000", { host: "127.0.0.1", port: 8000 }],
  ["[::1]:8000", { host: "::1", port: 8000 }],
  [":8000", { host: "127.0.0.1", port: 8000 }],
  ["unix:/run/app.sock", { path: "/run/app.sock" }],
  ["unix:@app", { path: "\0app" }],
])("%s can be connected to", (address, target) => {
  expect(toTarget(address)).toEqual(target);
});
