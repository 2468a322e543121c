/**
 * The terminal while a table is shown live: another screen than the one with the shell's lines, without a cursor. Each
 * picture is written over the last in one piece, so that nothing flickers; in the end everything is as it was before.
 */

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";
const ERASE_REST_OF_LINE = "\u001B[K";
const ERASE_BELOW = "\u001B[J";

export interface LiveScreen {
  show(lines: readonly string[]): void;
  leave(): void;
}

export function enterLiveScreen(write: (text: string) => void): LiveScreen {
  write(ENTER);
  return {
    // No line feed behind the last line: it would scroll the first away.
    show: (lines) => write(HOME + lines.map((line) => line + ERASE_REST_OF_LINE).join("\r\n") + ERASE_BELOW),
    leave: () => write(LEAVE),
  };
}
