/** What docs/deploy/ offers fits the server: metrics, labels, their values, records and commands that it names exist. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseCtlLine } from "../../src/cli/ctl/command.ts";
import { Chronicle } from "../../src/master/chronicle.ts";
import { isPlanned } from "../../src/master/exit-cause.ts";
import type { EndCause } from "../../src/master/model.ts";
import { METRICS, serverMetrics } from "../../src/observe/server-metrics.ts";
import { pageBlocks } from "../support/page-blocks.ts";
import { observation } from "./observe/observation.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string): string => readFileSync(path.join(ROOT, name), "utf8");

const ALERTS = read("docs/deploy/prometheus-alerts.yml");
const DASHBOARD = JSON.parse(read("docs/deploy/grafana-dashboard.json")) as Dashboard;
const CAUSES = [...new Chronicle().counters.exits.keys()];

/** What Prometheus adds to each series, and the server's own name. */
const EVERYWHERE = ["job", "instance", "name"];
/** Labels whose values are the user's. */
const FREE = new Set([...EVERYWHERE, "slot", "listener", "version", "node", "le", "alertname", "alertstate"]);

interface Dashboard {
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly panels: readonly Panel[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string; readonly datasource: unknown }[];
}

const QUERIES = DASHBOARD.panels.flatMap(({ targets = [] }) => targets);
/** Each with the labels that its legend or its text shows. */
const EXPRESSIONS: readonly (readonly [expression: string, shown: string])[] = [
  ...QUERIES.map(({ expr, legendFormat }) => [expr, legendFormat] as const),
  ...DASHBOARD.annotations.list.map(({ expr }) => [expr, ""] as const),
  ...ALERTS.split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => [/expr:(?: >-)?([\s\S]*?)\n {8}for:/.exec(rule)?.[1] ?? "", rule] as const),
];

/** Every value that a label of a metric has, as far as it is ours to say. */
const VALUES = new Map<string, Set<string>>([["cause", new Set(CAUSES)]]);
for (const { samples } of serverMetrics(observation())) {
  for (const [label, value] of samples.flatMap(({ labels = {} }) => Object.entries(labels)))
    VALUES.set(label, (VALUES.get(label) ?? new Set()).add(value));
}

/** The row of the table behind a series' name. */
function metricOf(name: string): (typeof METRICS)[string] | undefined {
  const row = METRICS[name];
  if (row !== undefined) return row;
  const histogram = METRICS[name.replace(/_(?:bucket|sum|count)$/, "")];
  return histogram?.type === "histogram" ? histogram : undefined;
}

describe.each(EXPRESSIONS)("%s", (expression, shown) => {
  const selectors = [...expression.matchAll(/\b(tsgate_\w+)(?:\{([^}]*)\})?/g)];
  const labels = new Set([...EVERYWHERE, ...selectors.flatMap(([, name = ""]) => metricOf(name)?.labels ?? [])]);

  test("names metrics that the server has", () => {
    if (!expression.includes("up{")) expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.map(([, name = ""]) => name).filter((name) => metricOf(name) === undefined)).toEqual([]);
  });

  test("asks for labels and values that they have", () => {
    for (const [, name = "", matchers = ""] of selectors) {
      const own = [...(metricOf(name)?.labels ?? []), ...EVERYWHERE];
      for (const [, label = "", sign, text = ""] of matchers.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)) {
        expect(own).toContain(label);
        const values = sign === "=~" ? text.split("|") : [text];
        const unknown = FREE.has(label) ? [] : values.filter((value) => VALUES.get(label)?.has(value) !== true);
        expect(unknown, label).toEqual([]);
      }
    }
  });

  test("groups by, and shows, labels that they have", () => {
    const grouped = [...expression.matchAll(/\b(?:by|without) \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    const named = [...shown.matchAll(/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g)].map(([, label = ""]) => label);
    expect([...grouped, ...named].filter((label) => !labels.has(label))).toEqual([]);
  });
});

describe("the dashboard", () => {
  test("shows every metric that the server has", () => {
    const text = QUERIES.map(({ expr }) => expr).join("\n");
    expect(Object.keys(METRICS).filter((name) => !new RegExp(`\\b${name}(?:_bucket)?\\b`).test(text))).toEqual([]);
  });

  test("asks the data source, the servers and the instances that were chosen, and explains each panel", () => {
    expect(DASHBOARD.templating.list.map(({ name }) => name)).toEqual(["datasource", "name", "instance"]);
    const chosen = { type: "prometheus", uid: "${datasource}" };
    for (const { expr, datasource } of QUERIES) {
      expect(datasource).toEqual(chosen);
      for (const [, matchers = ""] of expr.matchAll(/tsgate_\w+(?:\{([^}]*)\})?/g))
        expect(matchers).toContain('name=~"$name",instance=~"$instance"');
    }
    for (const { type, title, description, datasource } of DASHBOARD.panels) {
      if (type === "row") continue;
      expect(description, title).toMatch(/\w{3}/);
      expect(datasource, title).toEqual(chosen);
    }
  });

  test("has a place of its own for each panel", () => {
    const { panels } = DASHBOARD;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [index, { gridPos: a, title }] of panels.entries()) {
      expect(a.x + a.w, title).toBeLessThanOrEqual(24);
      for (const { gridPos: b, title: other } of panels.slice(index + 1)) {
        const isApart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(isApart, `${title} over ${other}`).toBe(true);
      }
    }
  });
});

describe("the alerts", () => {
  test("have a time, a severity and words each", () => {
    const rules = ALERTS.split(/^ {6}- alert: /m).slice(1);
    const named = [...read("docs/deploy/README.md").matchAll(/`(Tsgate\w+)`/g)].map(([, name]) => name);
    expect(rules.map((rule) => /^\w+/.exec(rule)?.[0])).toEqual(named);
    for (const rule of rules)
      expect(rule).toMatch(
        /^Tsgate\w+\n[\s\S]*\n {8}for: \d+[smh]\n {8}labels:\n {10}severity: (?:critical|warning)\n {8}annotations:\n {10}summary: .+\n {10}description: .+\n/,
      );
  });

  test("count every end that nobody asked for, once: hung workers have an alert of their own", () => {
    const counted = /cause=~"([^"]*)"/.exec(ALERTS)?.[1]?.split("|") ?? [];
    const elsewhere = ["hung", "drain timeout", "orphaned"];
    const unplanned = CAUSES.filter((cause) => !isPlanned(cause as EndCause));
    expect([...counted, ...elsewhere].toSorted()).toEqual(unplanned.toSorted());
  });

  test("name records that the log has", () => {
    const named = [...ALERTS.matchAll(/record "([^"]+)"/g)].map(([, msg = ""]) => msg);
    expect(named.length).toBeGreaterThan(3);
    const documented = read("docs/logs.md");
    expect(named.filter((msg) => !documented.includes(`| \`${msg}\` `))).toEqual([]);
  });

  test("look for the job that the scraping snippet makes", () => {
    const job = /job_name: (\w+)/.exec(read("docs/deploy/prometheus.yml"))?.[1];
    expect([...ALERTS.matchAll(/job="(\w+)"/g)].map(([, name]) => name)).toEqual([job]);
  });
});

test("the logrotate snippet names a command of ctl and the signal that reopens logs", () => {
  const text = read("docs/deploy/logrotate");
  const [, words = ""] = /tsgate ctl (.*)/.exec(text) ?? [];
  expect(parseCtlLine(words.split(" "), {})).toMatchObject({ kind: "ask", command: { cmd: "reopen-logs" } });
  expect(text).toContain('kill -USR1 "$(cat /run/app/app.pid)"');
  expect(read("README.md")).toMatch(/^\| `USR1` +\| reopen the log files/m);
});

test.each([
  ["nginx.md", "nginx.conf"],
  ["haproxy.md", "haproxy.cfg"],
  ["apache.md", "apache.conf"],
])("the configuration on %s is the file %s", (page, name) => {
  const blocks = pageBlocks(read(`docs/deploy/${page}`));
  const texts = blocks.filter((block) => block.kind === "file" && block.name === name).map(({ text }) => text);
  expect(texts).toEqual([read(`docs/deploy/${name}`)]);
});
