/** The list of the server's log records in docs/logs.md against the source: every message, its levels and its fields. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ATOMS } from "../../src/config/access-format.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = readFileSync(path.join(ROOT, "docs/logs.md"), "utf8");
const SOURCE = readdirSync(path.join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(path.join(ROOT, "src", name), "utf8"));

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const LEVEL = `"(${LEVELS.join("|")})"`;
/** A level, maybe the second of two, and a constant message behind it. */
const CALL = new RegExp(
  String.raw`(?:${LEVEL} : )?(?:level: )?${LEVEL},\s*(?:msg: )?"([^"]+)"(?!\])(,\s*\{|, fields: \{)?`,
  "g",
);

interface Said {
  readonly levels: Set<string>;
  readonly fields: Set<string>;
}

interface Row extends Said {
  readonly msg: string;
}

/** What the source says, by message. */
function saidInSource(): Map<string, Said> {
  const said = new Map<string, Said>();
  for (const text of SOURCE) {
    for (const match of text.matchAll(CALL)) {
      const [whole, other, level = "", msg = "", fields] = match;
      if (LEVELS.includes(msg)) continue;
      const known = said.get(msg) ?? { levels: new Set(), fields: new Set() };
      said.set(msg, known);
      for (const one of [other, level]) if (one !== undefined) known.levels.add(one);
      if (fields === undefined) continue;
      for (const key of keysOf(text.slice(match.index + whole.length))) known.fields.add(key);
    }
  }
  return said;
}

/** The keys of the object literal whose inside begins here; what is spread into it is looked for elsewhere. */
function keysOf(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let entry = "";
  for (const character of text) {
    if ("{[(".includes(character)) depth++;
    const isEnd = depth === 0 && character === "}";
    if (isEnd || (depth === 0 && character === ",")) {
      const key = /^\s*(\w+)\s*(?::|$)/.exec(entry)?.[1];
      if (key !== undefined) keys.push(key);
      entry = "";
      if (isEnd) return keys;
    } else entry += character;
    if ("}])".includes(character)) depth--;
  }
  return keys;
}

/** The rows of the table of records. */
function rowsOf(page: string): Row[] {
  const [, section = ""] = page.split("\n## The server's log\n");
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const [, msg = "", levels = "", fields = ""] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      return {
        msg: msg.slice(1, -1),
        levels: new Set(levels.split(", ")),
        fields: new Set([...fields.matchAll(/`(\w+)`/g)].map(([, field = ""]) => field)),
      };
    });
}

describe("the table of records", () => {
  const rows = rowsOf(PAGE);
  const said = saidInSource();

  test("has every message of the source, and no other, once", () => {
    expect(rows.map(({ msg }) => msg).toSorted()).toEqual([...said.keys()].toSorted());
  });

  test.each(rows)("has the levels and fields of $msg", ({ msg, levels, fields }) => {
    const inSource = said.get(msg);
    expect([...levels].toSorted()).toEqual([...(inSource?.levels ?? [])].toSorted());
    expect([...(inSource?.fields ?? [])].filter((field) => !fields.has(field))).toEqual([]);
    // A field that nobody names any more is gone.
    const isNamed = (field: string): boolean => SOURCE.some((text) => new RegExp(String.raw`\b${field}\b`).test(text));
    expect([...fields].filter((field) => !isNamed(field))).toEqual([]);
  });
});

test("the table of atoms is that of the source", () => {
  const rows = [...PAGE.matchAll(/^\| `%\((\w)\)s` +\| (.+?) +\|$/gm)].map(([, atom = "", text = ""]) => [atom, text]);
  expect(rows.map(([atom]) => atom)).toEqual(Object.keys(ATOMS));
  for (const [atom = "", text] of rows) {
    const meaning = ATOMS[atom as keyof typeof ATOMS];
    expect(text?.replaceAll("`", "")).toContain(meaning);
  }
});
