/** How a state looks: never by its colour alone, its word stands beside it. */

import { escaped } from "./html.ts";

export type Tone = "good" | "warn" | "bad" | "wait";

const TONES: Readonly<Record<string, Tone>> = {
  serving: "good",
  ready: "good",
  starting: "wait",
  booting: "wait",
  draining: "wait",
  waiting: "warn",
  degraded: "warn",
  silent: "bad",
};

export function toneOf(state: string): Tone {
  return TONES[state] ?? "wait";
}

/** A state of the server or of a worker, with a mark of its own shape. */
export function stateMark(state: string): string {
  return `<b class="state ${toneOf(state)} ${escaped(state)}">${escaped(state)}</b>`;
}
