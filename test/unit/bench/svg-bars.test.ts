/** The plots of the benchmarks' page. */

import { expect, test } from "vitest";
import { bars } from "../../bench/lib/svg-bars.mjs";

const widths = (svg: string) =>
  [...svg.matchAll(/<rect class="s\d" x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="14.0"/g)].map(([, width]) =>
    Number(width),
  );

test("bars are as long as their values, whatever series they are of", () => {
  const [a = 0, b = 0, c = 0, d = 0] = widths(
    bars("CPU", [
      { name: "one", values: { first: 10, second: 20 } },
      { name: "two", values: { first: 40, second: 5 } },
    ]),
  );
  expect([b / a, c / a, d / a].map((ratio) => Math.round(ratio * 10) / 10)).toEqual([2, 4, 0.5]);
});

test("the spread counts for the scale, and has a line of its own", () => {
  const svg = bars("CPU", [
    { name: "one", values: { a: { value: 10, low: 9, high: 20 } } },
    { name: "two", values: { a: 20 } },
  ]);
  const [one = 0, two = 0] = widths(svg);
  expect(two / one).toBeCloseTo(2, 1);
  expect(svg.match(/class="spread"/g)).toHaveLength(1);
});

test("what is missing is said in place of its bar", () => {
  const groups = [
    { name: "one", values: { a: 10 } },
    { name: "two", values: { a: undefined } },
  ];
  const svg = bars("CPU", groups, { missing: "not installed" });
  expect(widths(svg)).toHaveLength(1);
  expect(svg).toContain(">not installed</text>");
});

test("values have their digits and unit", () => {
  const svg = bars("CPU", [{ name: "one", values: { a: 10.25 } }], { digits: 1, unit: "µs" });
  expect(svg).toContain(">10.3 µs</text>");
});

test("names stand in the image as they are", () => {
  const svg = bars('a < b & "c"', [{ name: "<x>", values: { a: 1 } }]);
  expect(svg).toContain('aria-label="a &lt; b &amp; &quot;c&quot;"');
  expect(svg).toContain(">&lt;x&gt;</text>");
});

test("a legend names the series where there is more than one", () => {
  expect(bars("CPU", [{ name: "one", values: { kept: 1 } }])).not.toContain(">kept</text>");
  expect(bars("CPU", [{ name: "one", values: { kept: 1, fresh: 2 } }])).toContain(">fresh</text>");
});

test("dark pages have colours of their own", () => {
  const [light = "", dark = ""] = bars("CPU", [{ name: "one", values: { a: 1 } }]).split("prefers-color-scheme:dark");
  const fill = /\.s0\{fill:(#\w+)\}/;
  expect(fill.exec(light)?.[1]).not.toBe(fill.exec(dark)?.[1]);
});
