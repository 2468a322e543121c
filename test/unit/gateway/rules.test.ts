/** The rules of docs/gateway.md against what names them: the validator, its tests, the cases of the suite, and the page's own table. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadCases } from "../../conformance/case.ts";
import { adviceable, brokenApplications } from "./validator/broken-applications.ts";
import { brokenServers } from "./validator/broken-servers.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = readFileSync(`${ROOT}docs/gateway.md`, "utf8");
const RULES = [...PAGE.matchAll(/^- \*\*([A-Z]-\d+)\*\* /gm)].map(([, rule = ""]) => rule);
const ROWS = [...PAGE.matchAll(/^\| ([A-Z]-\d+) +\| (.+?) +\| (.+?) +\|$/gm)].map(
  ([, rule = "", validator = "", suite = ""]) => ({ rule, validator, suite }),
);

const FOLDER = `${ROOT}src/gateway/validator/`;
const SOURCE = readdirSync(FOLDER).map((name) => readFileSync(FOLDER + name, "utf8"));
const IN_VALIDATOR = new Set(
  SOURCE.flatMap((text) => [...text.matchAll(/"([A-Z]-\d+)"/g)].map(([, rule = ""]) => rule)),
);
const CASES = loadCases();
const IN_SUITE = new Set(CASES.flatMap(({ rules }) => rules));

describe("the page", () => {
  test("numbers each rule once, in each chapter from 1 on", () => {
    const numbers = new Map<string, number>();
    for (const rule of RULES) {
      const [letter = "", number = ""] = rule.split("-");
      expect(Number(number), rule).toBe((numbers.get(letter) ?? 0) + 1);
      numbers.set(letter, Number(number));
    }
  });

  test("says of each rule, in order, how it is proven", () => {
    expect(ROWS.map(({ rule }) => rule)).toEqual(RULES);
  });

  test.each(ROWS)("$rule is in the validator, or the page says why not", ({ rule, validator }) => {
    expect(validator === "yes").toBe(IN_VALIDATOR.has(rule));
  });

  test.each(ROWS)("$rule has a case, or the page says why not", ({ rule, suite }) => {
    expect(/^yes\b/.test(suite)).toBe(IN_SUITE.has(rule));
  });

  test("speaks of no rule that there is not", () => {
    const named = [...PAGE.matchAll(/\b([A-Z]-\d{1,2})\b(?! section)/g)].map(([, rule = ""]) => rule);
    expect(named.filter((rule) => !RULES.includes(rule) && rule !== "UTF-8")).toEqual([]);
  });
});

test("the validator and the suite name no rule that the page has not", () => {
  expect([...IN_VALIDATOR, ...IN_SUITE].filter((rule) => !RULES.includes(rule))).toEqual([]);
});

test("each rule of the validator is broken by an application or a server of its tests", () => {
  const also = brokenApplications.map((each) => each.also);
  const broken = new Set(
    [...brokenApplications, ...adviceable, ...brokenServers].map(({ rule }) => rule).concat(also as string[]),
  );
  expect([...IN_VALIDATOR].filter((rule) => !broken.has(rule))).toEqual([]);
});

test.each(CASES)("the case $name has an application that the validator knows what to say of", ({ breaks, rules }) => {
  expect(rules.length).toBeGreaterThan(0);
  if (breaks !== undefined) expect(IN_VALIDATOR).toContain(breaks);
});
