/** Where `tsgate ctl` writes to: a terminal, of which it knows the size and whether it likes colours, or anything else. */

import tty from "node:tty";
import { writeWhole } from "../../write-whole.ts";

export interface CtlOutput {
  readonly isTerminal: boolean;
  readonly isColoured: boolean;
  /** Nobody reads any more. */
  readonly isClosed: () => boolean;
  readonly size: () => { readonly columns: number; readonly rows: number | undefined };
  readonly write: (text: string) => void;
  /** Calls `listener` when the terminal has another size; returns what ends that. */
  readonly onResize: (listener: () => void) => () => void;
}

/** Where neither a terminal nor the variable of that name says otherwise. */
const COLUMNS = 80;

/** The standard output. */
export function standardOutput(env: Readonly<Record<string, string | undefined>>): CtlOutput {
  // A pipe's stream is not asked for: it would make the descriptor one that can refuse to take a text.
  const terminal = tty.isatty(1) && env["TERM"] !== "dumb" ? process.stdout : undefined;
  let isClosed = false;
  const isColoured = terminal !== undefined && (env["NO_COLOR"] ?? "") === "";
  return {
    isTerminal: terminal !== undefined,
    isColoured,
    isClosed: () => isClosed,
    size: () => ({
      columns: terminal?.columns || Math.max(0, Number(env["COLUMNS"]) || 0) || COLUMNS,
      rows: terminal?.rows || undefined,
    }),
    write: (text) => {
      isClosed ||= !writeWhole(1, Buffer.from(text));
    },
    onResize: (listener) => {
      terminal?.on("resize", listener);
      return () => terminal?.off("resize", listener);
    },
  };
}
