/**
 * docs/benchmarks.md, of which every benchmark writes its own part: what stands between `<!-- NAME -->` and
 * `<!-- /NAME -->`. The rest of the page, and what others have written, stays as it is.
 */

import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));
const PAGE = path.join(DOCS, "benchmarks.md");

/**
 * Puts `content` into the section and each plot beside the page.
 * @param {string} name
 * @param {string} content Markdown
 * @param {Readonly<Record<string, string>>} [plots] SVG images by file name
 */
export async function writeSection(name, content, plots = {}) {
  const page = withSection(await readFile(PAGE, "utf8"), name, content);
  await writeFile(PAGE, await format(page, { ...(await resolveConfig(PAGE)), parser: "markdown" }));
  for (const [file, plot] of Object.entries(plots)) await writeFile(path.join(DOCS, file), plot);
}

/**
 * `page` with the section `name` holding `content`; at its end where the page has no such section.
 * @param {string} page
 * @param {string} name
 * @param {string} content
 */
export function withSection(page, name, content) {
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${from}\n\n${content.trim()}\n\n${to}`;
  const [start, end] = [page.indexOf(from), page.indexOf(to)];
  if (start === -1 && end === -1) return `${page.trimEnd()}\n\n${section}\n`;
  if (start === -1 || end < start)
    throw new Error(`the page has one of ${from} and ${to}, and not the other behind it`);
  return page.slice(0, start) + section + page.slice(end + to.length);
}

/**
 * Rows of cells as a table, the first its head; all columns but the first hold numbers.
 * @param {readonly (readonly string[])[]} rows
 */
export function markdownTable([head = [], ...rows]) {
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** What it was measured on, in a line. */
export function machine() {
  const cpus = os.cpus();
  const memory = Math.round(os.totalmem() / 1e9);
  return `${cpus[0]?.model.trim() ?? "unknown CPU"}, ${cpus.length} cores, ${memory} GB, ${os.type()} ${kernelVersion(os.release())}`;
}

/**
 * The numbers of a kernel's release, without what its builder has added.
 * @param {string} release
 */
export function kernelVersion(release) {
  return /^\d+(?:\.\d+)*/.exec(release)?.[0] ?? release;
}
