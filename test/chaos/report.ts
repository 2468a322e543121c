/** What is said of a run: its tally, and of each violation one sentence with the command that plays it again. Pure. */

import type { RunReport } from "./chaos.ts";
import type { LifeReport } from "./life.ts";

const LOG_LINES = 40;

/** The sentences for what was found; empty when all is well. */
export function violationsOf({ lives }: RunReport): string[] {
  return lives.flatMap((life) =>
    life.violations.map(({ invariant, message }) => `${placeOf(life)}: [${invariant}] ${message}`),
  );
}

/** The command that plays the life again in which something was found. */
export function replayOf({ seed, lives }: RunReport, options = ""): string | undefined {
  const bad = lives.find(({ violations }) => violations.length > 0);
  if (bad === undefined) return undefined;
  return `npm run test:chaos -- --seed ${seed} --life ${bad.plan.life} --scenes ${bad.scenes}${options}`;
}

/** For a test's failure: what was found, how to play it again, the tally and the end of the log; empty when all is well. */
export function accountOf(report: RunReport): string {
  const violations = violationsOf(report);
  if (violations.length === 0) return "";
  const log = report.lives.at(-1)?.log.trimEnd().split("\n").slice(-LOG_LINES) ?? [];
  return [...violations, `again: ${replayOf(report)}`, ...tallyOf(report), ...log].join("\n");
}

export function requestsOf({ lives }: RunReport): number {
  return lives.flatMap(({ tallies }) => tallies).reduce((sum, { requests }) => sum + requests, 0);
}

/** How often each event was played. */
export function eventsOf({ lives }: RunReport): Record<string, number> {
  const scenes = lives.flatMap(({ plan, scenes: begun }) => plan.scenes.slice(0, begun));
  return countOf(scenes.flatMap(({ acts }) => acts.map(({ event }) => event.name)));
}

/** The tally of all lives, as lines. */
export function tallyOf(report: RunReport): string[] {
  const { seed, lives, durationMs } = report;
  const tallies = lives.flatMap((life) => life.tallies);
  const allowed = summed(lives.map((life) => ({ ...life.allowed })));
  const { seen = 0, held = 0, counted = 0, afterEnd = 0 } = allowed;
  const scenes = lives.reduce((sum, life) => sum + life.scenes, 0);
  const deaths = lives.reduce((sum, life) => sum + life.deaths, 0);
  const worst = Math.max(0, ...tallies.map(({ latencyMs }) => latencyMs.max));
  return [
    `seed ${seed}: ${lives.length} lives, ${scenes} scenes, ${Math.round(durationMs / 1000)} s`,
    `requests: ${requestsOf(report)} (${listed(summed(tallies.map(({ byKind }) => byKind)))})`,
    `outcomes: ${listed(summed(tallies.map(({ outcomes }) => outcomes)))}`,
    `allowed failures: ${seen + held + counted} with ${deaths} workers that died (${seen} seen, ${held} held, ` +
      `${counted} counted), ${afterEnd} of connections made after a server's end had begun`,
    `idle connections: ${listed(summed(tallies.map(({ idle }) => idle)))}`,
    `worst latency: ${Math.round(worst)} ms`,
    `events: ${listed(eventsOf(report))}`,
    `endings: ${listed(countOf(lives.map(({ plan }) => plan.ending.name)))}`,
    `applications: ${listed(countOf(lives.map(({ plan }) => plan.shape.kind)))}`,
    `violations: ${violationsOf(report).length}`,
  ];
}

function placeOf({ plan, stage }: LifeReport): string {
  return `seed ${plan.seed}, life ${plan.life}, ${stage}`;
}

function countOf(names: readonly string[]): Record<string, number> {
  return summed(names.map((name) => ({ [name]: 1 })));
}

function summed(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of counts) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function listed(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).filter(([, count]) => count > 0);
  return named.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
