import { expect, onTestFinished, test } from "vitest";
import { isoTime, localTime } from "../../../src/observe/access-time.ts";

test.each([
  ["America/St_Johns", "2026-01-02T03:04:05.000Z", "[01/Jan/2026:23:34:05 -0330]"],
  ["Asia/Kathmandu", "2026-01-02T20:04:05.999Z", "[03/Jan/2026:01:49:05 +0545]"],
  ["UTC", "2026-12-31T23:59:59.999Z", "[31/Dec/2026:23:59:59 +0000]"],
])("in %s", (zone, instant, expected) => {
  const { TZ } = process.env;
  onTestFinished(() => {
    if (TZ === undefined) delete process.env["TZ"];
    else process.env["TZ"] = TZ;
  });
  process.env["TZ"] = zone;
  const at = Date.parse(instant);
  // Whatever was asked for before: a text is kept for the second that it was made for.
  expect(localTime(at - 5000)).not.toBe(expected);
  expect(localTime(at)).toBe(expected);
  expect(localTime(at)).toBe(expected);
});

test("as JavaScript writes it", () => {
  for (const at of [0, 1, 999.9, 1000, 1_795_360_179_773.25, 1_795_360_179_007])
    expect(isoTime(at)).toBe(new Date(at).toISOString());
});
