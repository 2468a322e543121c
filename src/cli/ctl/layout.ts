/** Lines of text within a width: tables, lists of facts, paragraphs. Pure; colours change no width. */

export type Colour = "red" | "yellow" | "green" | "dim" | "bold";

/** Colours a text, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column {
  readonly title: string;
  readonly isNumber?: true;
  /** How wide the text has to be for it to be shown at all. */
  readonly from?: number;
}

/** A table within `width`; what comes last is cut to what the rest leaves. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const shown = columns.flatMap(({ from = 0 }, index) => (from <= width ? [index] : []));
  const widths = shown.map((index) =>
    Math.max(columns[index]?.title.length ?? 0, ...rows.map((row) => row[index]?.text.length ?? 0)),
  );
  const wanted = widths.reduce((sum, each) => sum + each, 0);
  const gap = wanted + 2 * (shown.length - 1) <= width ? "  " : " ";
  const line = (cellOf: (index: number) => Cell): string => {
    let left = width;
    const cells = shown.map((index, place) => {
      const { text, colour } = cellOf(index);
      const size = place === shown.length - 1 ? 0 : (widths[place] ?? 0);
      const fitted = cut(columns[index]?.isNumber === true ? text.padStart(size) : text.padEnd(size), left);
      left = Math.max(0, left - fitted.length - gap.length);
      return colour === undefined || fitted.trim() === "" ? fitted : paint(colour, fitted);
    });
    return cells.join(gap).trimEnd();
  };
  const head = line((index) => ({ text: columns[index]?.title ?? "", colour: "dim" }));
  return [head, ...rows.map((row) => line((index) => row[index] ?? { text: "" }))];
}

/** Facts side by side, on as many lines as they need; one that is too long for a line is cut. */
export function facts(list: readonly Cell[], width: number, paint: Paint): string[] {
  const lines: { text: string; length: number }[] = [];
  for (const { text, colour } of list) {
    const fitted = cut(text, width);
    const painted = colour === undefined ? fitted : paint(colour, fitted);
    const last = lines.at(-1);
    if (last === undefined || last.length + 2 + fitted.length > width)
      lines.push({ text: painted, length: fitted.length });
    else {
      last.text += `  ${painted}`;
      last.length += 2 + fitted.length;
    }
  }
  return lines.map(({ text }) => text);
}

/** A paragraph on at most `most` lines, those after the first indented. */
export function paragraph(text: string, width: number, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  const shown = lines.slice(0, most);
  const last = shown.at(-1);
  if (lines.length > most && last !== undefined) shown[most - 1] = `${last}…`;
  return shown.map((line) => cut(line, width));
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`.slice(0, width);
}

/** Without what a terminal would obey: names and errors are the application's. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, " ");
}

const CODES: Readonly<Record<Colour, string>> = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33" };

export function paintWith(isColoured: boolean): Paint {
  return isColoured ? (colour, text) => `\u001B[${CODES[colour]}m${text}\u001B[0m` : (_colour, text) => text;
}
