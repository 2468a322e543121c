/**
 * The table of docs/frameworks.md. A run compares the rows of the frameworks that it has run; with
 * TSGATE_WRITE_FRAMEWORKS=1 (npm run docs:frameworks) it writes them, and leaves the others and the text as they are.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { FRAMEWORKS } from "./frameworks.ts";

const PAGE = fileURLToPath(new URL("../../docs/frameworks.md", import.meta.url));

/** A table: its head, the line below it, and one row each line. */
const TABLE = /^\| Framework .*\n\|[-| ]*\n(?:\|.*\n)*/m;

export const isWritten = process.env["TSGATE_WRITE_FRAMEWORKS"] === "1";

/** The first cell of a framework's row: its name as a link to its example. */
export function linkTo(folder: string): string {
  const name = FRAMEWORKS.find((framework) => framework.folder === folder)?.name ?? folder;
  return `[${name}](examples/frameworks/${folder}/)`;
}

/** The cells of each row of the page, in its order. */
export function rowsOfPage(): string[][] {
  const [, , ...rows] = tableOf(readFileSync(PAGE, "utf8")).trimEnd().split("\n");
  return rows.map((row) => cellsOf(row));
}

/** Puts `cells` in the place of the row with the same first cell. */
export async function writeRow(head: readonly string[], cells: readonly string[]): Promise<void> {
  const page = readFileSync(PAGE, "utf8");
  const others = rowsOfPage().filter(([first]) => first !== cells[0]);
  const rows = FRAMEWORKS.map(({ folder }) => [cells, ...others].find(([first]) => first === linkTo(folder)));
  const lines = [head, head.map(() => "---"), ...rows.filter((row) => row !== undefined)];
  const table = lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
  const written = page.replace(TABLE, () => table);
  writeFileSync(PAGE, await format(written, { parser: "markdown", printWidth: 120 }));
}

function tableOf(page: string): string {
  const [table] = TABLE.exec(page) ?? [];
  if (table === undefined) throw new Error("docs/frameworks.md has no table");
  return table;
}

function cellsOf(row: string): string[] {
  return row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
