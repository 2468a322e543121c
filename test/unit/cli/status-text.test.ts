import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, facts, paintWith, paragraph, plain, table } from "../../../src/cli/ctl/layout.ts";
import { bytes, count, duration, milliseconds, percent, rate } from "../../../src/cli/ctl/figures.ts";
import { statusLines } from "../../../src/cli/ctl/status-text.ts";
import { type Status, statusOf } from "../../../src/observe/status.ts";
import { observation } from "../observe/observation.ts";

const colourless = paintWith(false);
const lines = (status: Status, columns = 80, rows?: number): string[] =>
  statusLines(status, { columns, rows, paint: colourless });

/** With a number of workers that all have long-winded things to say. */
function crowd(workers: number): Status {
  const status = statusOf(observation());
  const [first] = status.workers;
  if (first === undefined) throw new Error("there is one");
  const lastExit = {
    at: status.at,
    pid: 1,
    generation: 1,
    cause: "out of memory: killed by the kernel",
    code: 137,
    signal: null,
    error: "it was too much ".repeat(20),
  };
  const large = { requests: 123_456_789_012, rssBytes: 12 * 1024 ** 3, inFlight: 123_456, pid: 4_194_303, ageMs: 9e9 };
  const rows = Array.from({ length: workers }, (_, slot) => ({ ...first, ...large, slot, lastExit }));
  return {
    ...status,
    server: { ...status.server, name: "a long name ".repeat(20), app: "/srv/".repeat(40), degradedSlots: [1, 2, 3] },
    workers: rows,
  };
}

describe("the table of ctl status", () => {
  it("has a head, what is wrong, and a row a slot", () => {
    expect(lines(statusOf(observation())).join("\n")).toMatchInlineSnapshot(`
      "tsgate 1.2.3  shop  degraded  generation 2  up 1m  pid 100  app.js
      9 requests/s  p50 -  p99 -  0.4 errors/s
      1 of 2 workers ready  3 in flight  12 connections  1 waiting  degraded: slot 1
      reload of generation 3: the first worker is tried, for 1s
      last reload failed 9s ago: broken, at app.js:1

      SLOT PID STATE   GEN AGE REQUESTS FLIGHT LOOP MEMORY LAST EXIT
         0 105 ready     2 30s      100      3  25%    48M
         1   - waiting   -   -        -      -    -      - crashed 1s ago, code 7; ag…"
    `);
  });

  it("tells how long ago a reload was done, and how long it took", () => {
    const status = statusOf(observation());
    const last = { outcome: "done", generation: 7, at: status.at, tookMs: 2310, error: null, stack: null } as const;
    const idle = { state: "idle", generation: null, stage: null, startedAt: null } as const;
    expect(lines({ ...status, reload: { ...idle, last } })).toContain(
      "last reload done 0s ago: generation 7 in 2.31 s",
    );
    expect(lines({ ...status, reload: { ...idle, last: null } }).join("\n")).not.toContain("reload");
  });

  it("says of a worker that sends no heartbeat that it is silent, and since when", () => {
    const status = statusOf(observation());
    const workers = status.workers.map((worker) => ({ ...worker, silentMs: worker.pid === null ? null : 12_000 }));
    const shown = lines({ ...status, server: { ...status.server, silent: 1 }, workers }).join("\n");
    expect(shown).toMatch(/ 105 silent +2 +30s +100 +- +- .* no heartbeat for 12s/);
    expect(shown).toMatch(/^0 of 2 workers ready .* 1 silent/m);
    expect(lines(status).join("\n")).not.toContain("silent");
  });

  it.each([20, 40, 79, 80, 81, 100, 110, 132, 200])("is never wider than %i columns", (columns) => {
    for (const line of lines(crowd(12), columns)) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it("shows every worker's slot, state and memory at 80 columns, and more where there is room", () => {
    const narrow = lines(crowd(12)).slice(-13);
    expect(narrow[0]).toMatch(/^SLOT +PID STATE +GEN +AGE REQUESTS FLIGHT LOOP MEMORY LAST EXIT$/);
    for (const row of narrow.slice(1)) expect(row).toMatch(/^ +\d+ 4194303 ready +\d+ +\S+ +123G .*12G out of/);
    const wide = lines(crowd(12), 160).slice(-13);
    expect(wide[0]).toMatch(/ERRORS.*CONNS.*DELAY P99/);
    expect(wide[1]?.length).toBeGreaterThan(120);
  });

  it("fits a window's height, and says what it does not show", () => {
    const shown = lines(crowd(64), 80, 24);
    expect(shown).toHaveLength(24);
    expect(shown.at(-1)).toMatch(/^… and \d+ more; the window is too low$/);
    expect(lines(crowd(64), 80, 3)).toHaveLength(3);
    expect(lines(crowd(2), 80, 24).join("\n")).not.toContain("too low");
  });

  it("is coloured without changing a character", () => {
    const status = crowd(3);
    const painted = statusLines(status, { columns: 80, rows: undefined, paint: paintWith(true) });
    expect(painted.map((line) => line.replaceAll(/\u001B\[\d+m/g, ""))).toEqual(lines(status));
    expect(painted.join("\n")).toContain("\u001B[31mdegraded\u001B[0m");
  });

  it("writes nothing that a terminal would obey, whatever the application is called", () => {
    const status = crowd(1);
    const evil = { ...status, server: { ...status.server, app: "\u001B[2Jx\u0007\n\u009B31m" } };
    for (const line of lines(evil, 400)) expect(line).not.toMatch(/[\u0000-\u001F\u007F-\u009F]/);
  });
});

describe("numbers", () => {
  it.each([
    [duration(null), "-"],
    [duration(-5), "0s"],
    [duration(45_000), "45s"],
    [duration(61_000), "1m1s"],
    [duration(120_000), "2m"],
    [duration(754_000), "12m"],
    [duration(8_040_000), "2h14m"],
    [duration(273_600_000), "3d4h"],
    [count(null), "-"],
    [count(999_999), "999999"],
    [count(1_234_567), "1.23M"],
    [count(987_654_321), "988M"],
    [bytes(null), "-"],
    [bytes(0), "0B"],
    [bytes(1023), "1023B"],
    [bytes(64 * 1024 ** 2), "64M"],
    [bytes(1.25 * 1024 ** 3), "1.25G"],
    [milliseconds(null), "-"],
    [milliseconds(0.3456), "0.346 ms"],
    [milliseconds(12.34), "12.3 ms"],
    [milliseconds(3250), "3.25 s"],
    [percent(null), "-"],
    [percent(0.834), "83%"],
    [rate(0.04), "0"],
    [rate(38.46), "38.5"],
    [rate(12_345.6), "12346"],
  ])("%s is %s", (shown, expected) => {
    expect(shown).toBe(expected);
  });

  it("stay narrow, however large", () => {
    const size = fc.double({ min: 0, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(size, (value) => {
        expect(duration(value / 125).length).toBeLessThanOrEqual(9);
        expect(bytes(value).length).toBeLessThanOrEqual(5);
        expect(percent(value / 1e15).length).toBeLessThanOrEqual(4);
      }),
    );
  });
});

describe("lines", () => {
  const word = fc.stringMatching(/^[a-z]{0,30}$/);

  it("of a table, of facts and of a paragraph fit, and lose no row", () => {
    const columns = [{ title: "A", isNumber: true as const }, { title: "B" }, { title: "C" }];
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, word)), fc.integer({ min: 70, max: 200 }), (rows, width) => {
        const cells = rows.map((row) => row.map((text) => ({ text })));
        const shown = table(columns, cells, width, colourless);
        expect(shown).toHaveLength(rows.length + 1);
        const texts = rows.flat();
        const all = [...shown, ...facts(cells.flat(), width, colourless), ...paragraph(texts.join(" "), width, 5)];
        for (const line of all) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  it("of a paragraph that is too long end with a sign", () => {
    expect(paragraph("one two three four", 5, 2)).toEqual(["one", "  tw…"]);
    expect(paragraph("one", 5, 2)).toEqual(["one"]);
    expect(paragraph("", 5, 2)).toEqual([]);
  });

  it("are cut with a sign", () => {
    expect([cut("abc", 3), cut("abcd", 3), cut("abcd", 1), cut("abcd", 0)]).toEqual(["abc", "ab…", "…", ""]);
    expect(plain("a\u001B[1m\n\nb")).toBe("a [1m b");
  });
});
