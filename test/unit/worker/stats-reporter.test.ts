import { expect, it } from "vitest";
import { ReportSchedule } from "../../../src/worker/stats-reporter.ts";

it("reports while something happens, once more when that is over, and then every fifth second", () => {
  const schedule = new ReportSchedule();
  const quiet = [false, false, true, true, true, true, true, true, true, true, true, true, true, false, true, true];
  expect(quiet.map((isQuiet) => (schedule.isDue(isQuiet) ? "told" : "-")).join(" ")).toBe(
    "told told told - - - - told - - - - told told told -",
  );
});
