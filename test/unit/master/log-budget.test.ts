import { describe, expect, it } from "vitest";
import { LogBudget } from "../../../src/master/log-budget.ts";

interface Line {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

function started(): { lines: Line[]; budget: LogBudget } {
  const lines: Line[] = [];
  return { lines, budget: new LogBudget((level, _msg, fields) => lines.push({ level, fields })) };
}

describe("the log lines of a slot", () => {
  it("have no limit while its workers are well", () => {
    const { lines, budget } = started();
    for (let i = 0; i < 100; i++) budget.write(0, false, 0, "info", "worker ready", {});
    expect(lines.filter(({ level }) => level === "info")).toHaveLength(100);
  });

  it("are ten a minute in a crash loop; what is above goes to the debug level and is counted on the next one", () => {
    const { lines, budget } = started();
    for (let i = 0; i < 15; i++) budget.write(0, true, i * 1000, "error", "worker gone", { i });
    expect(lines.map(({ level }) => level)).toEqual([...Array(10).fill("error"), ...Array(5).fill("debug")]);
    budget.write(0, true, 60_000, "error", "worker gone", { i: 15 });
    expect(lines.at(-1)).toEqual({ level: "error", fields: { i: 15, heldBack: 5 } });
    budget.write(0, true, 60_500, "error", "worker gone", { i: 16 });
    expect(lines.at(-1)).toEqual({ level: "debug", fields: { i: 16 } });
  });

  it("are half as many for what others must not miss their own for", () => {
    const { lines, budget } = started();
    for (let i = 0; i < 20; i++) budget.write(0, true, 0, "error", "uncaught exception", {}, true);
    expect(lines.filter(({ level }) => level === "error")).toHaveLength(5);
    budget.write(0, true, 0, "error", "worker gone", {});
    expect(lines.at(-1)).toEqual({ level: "error", fields: { heldBack: 15 } });
  });

  it("are counted for each slot by itself", () => {
    const { lines, budget } = started();
    for (let i = 0; i < 20; i++) budget.write(i % 2, true, 0, "error", "worker gone", {});
    expect(lines.every(({ level }) => level === "error")).toBe(true);
  });

  it("are free again when the slot has recovered", () => {
    const { lines, budget } = started();
    for (let i = 0; i < 20; i++) budget.write(0, true, 0, "error", "worker gone", {});
    budget.write(0, false, 1, "info", "worker ready", {});
    budget.write(0, true, 2, "error", "worker gone", {});
    expect(lines.slice(-2)).toEqual([
      { level: "info", fields: {} },
      { level: "error", fields: {} },
    ]);
  });
});
