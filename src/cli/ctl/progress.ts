/** How a reload's progress is shown: a bar that moves on a terminal, else a line a step. */

import type { ReloadProgress } from "../../control-protocol.ts";

const BAR_WIDTH = 20;

export interface ProgressView {
  show(progress: ReloadProgress): void;
  /** Leaves the bar as it is, so that what comes next begins on a line of its own. */
  end(): void;
}

/** @param write where it is shown; @param isTerminal whether a line can be written over */
export function progressView(write: (text: string) => void, isTerminal: boolean): ProgressView {
  let isOpen = false;
  return {
    show: (progress) => {
      isOpen = isTerminal;
      write(isTerminal ? `\r\u001B[2K${bar(progress)}` : `${inWords(progress)}\n`);
    },
    end: () => {
      if (isOpen) write("\n");
      isOpen = false;
    },
  };
}

function bar({ generation, stage, ready, target }: ReloadProgress): string {
  const full = target === 0 ? 0 : Math.round((BAR_WIDTH * Math.min(ready, target)) / target);
  return `generation ${generation} [${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}] ${ready}/${target} ready, ${STAGES[stage]}`;
}

function inWords({ generation, stage, ready, target }: ReloadProgress): string {
  if (stage === "reading") return STAGES[stage];
  return `generation ${generation}: ${ready} of ${target} ready, ${STAGES[stage]}`;
}

const STAGES = {
  reading: "reading the configuration",
  canary: "the first worker is tried",
  rolling: "taking over",
} as const;
