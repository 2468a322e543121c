/** `ctl status --watch`: the table again and again, in place on a terminal, one below the other elsewhere. */

import { setTimeout as sleep } from "node:timers/promises";
import { type ControlClient, failed } from "./client.ts";
import { enterLiveScreen, type LiveScreen } from "./live-screen.ts";
import type { CtlOutput } from "./output.ts";

const EVERY_MS = 1000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Watched {
  /** Asks the server; what it returns are the lines for a size, now and after a resize. */
  readonly ask: () => Promise<(size: ReturnType<CtlOutput["size"]>) => string[]>;
  readonly client: ControlClient;
  readonly output: CtlOutput;
  /** Written over the last picture, on a terminal. */
  readonly isLive: boolean;
}

/**
 * Returns when it is told to end, or nobody reads any more.
 * @throws TsgateError when the server goes away
 */
export async function watch({ ask, client, output, isLive }: Watched): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of SIGNALS) process.on(signal, end);
  const ended = new Promise<"ended">((resolve) => stop.signal.addEventListener("abort", () => resolve("ended")));
  const gone = client.gone();
  const view = isLive ? live(output) : below(output);
  try {
    while (!output.isClosed()) {
      const linesFor = await Promise.race([ask(), ended]);
      if (linesFor === "ended") return;
      view.show(linesFor);
      const next = await Promise.race([sleep(EVERY_MS, "again", { signal: stop.signal }).catch(() => "ended"), gone]);
      if (next === "ended") return;
      if (next === undefined) throw failed("the server has gone");
    }
  } finally {
    view.leave();
    for (const signal of SIGNALS) process.off(signal, end);
  }
}

interface View {
  readonly show: (linesFor: (size: ReturnType<CtlOutput["size"]>) => string[]) => void;
  readonly leave: () => void;
}

function live(output: CtlOutput): View {
  let screen: LiveScreen = enterLiveScreen(output.write);
  let latest: Parameters<View["show"]>[0] = () => [];
  const draw = (): void => {
    const { columns, rows } = output.size();
    // A character in the last column would be erased with the rest of its line.
    screen.show(latest({ columns: columns - 1, rows }));
  };
  const stopListening = output.onResize(draw);
  // Ctrl-Z gives the shell its screen back until `fg`.
  const suspend = (): void => {
    screen.leave();
    process.kill(process.pid, "SIGSTOP");
  };
  const resume = (): void => {
    screen = enterLiveScreen(output.write);
    draw();
  };
  process.on("SIGTSTP", suspend).on("SIGCONT", resume);
  return {
    show: (linesFor) => {
      latest = linesFor;
      draw();
    },
    leave: () => {
      stopListening();
      process.off("SIGTSTP", suspend).off("SIGCONT", resume);
      screen.leave();
    },
  };
}

function below(output: CtlOutput): View {
  let isFirst = true;
  return {
    show: (linesFor) => {
      const lines = linesFor({ ...output.size(), rows: undefined });
      output.write(`${isFirst || lines.length === 1 ? "" : "\n"}${lines.join("\n")}\n`);
      isFirst = false;
    },
    leave: () => {},
  };
}
