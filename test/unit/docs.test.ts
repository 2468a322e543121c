/** The documents agree with the repository: what they name is there. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { flagOf } from "../../src/config/setting-row.ts";
import { rowOf, SETTING_KEYS } from "../../src/config/settings.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DECISIONS = readdirSync(path.join(ROOT, "docs/decisions")).toSorted();
const GUIDES = readdirSync(path.join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  ...GUIDES.map((name) => `docs/${name}`),
  ...DECISIONS.map((name) => `docs/decisions/${name}`),
  ...readdirSync(path.join(ROOT, "docs/deploy")).map((name) => `docs/deploy/${name}`),
];

/** What npm packs: the package's own list, and what it always takes. */
const PACKED = [
  ...(JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { files: string[] }).files,
  "package.json",
  "README.md",
  "LICENSE",
];

/** Flags of ours that are no settings, and flags of Node and of applications that the documents speak of. */
const OTHER_FLAGS = [
  "--help",
  "--version",
  "--check-config",
  "--json",
  "--watch",
  "--wait",
  "--quick",
  "--db-password",
  "--print-config",
  "--max-old-space-size",
  "--omit",
  "--only",
  "--server",
  "--seconds",
  "--seed",
  "--init",
  "--pid",
  "--fork",
  "--max-http-header-size",
  "--mount-proc",
  "--verbose",
  "--require",
  "--enable-source-maps",
  "--inspect",
  "--inspect-publish-uid",
  "--disable-sigusr1",
  "--permission",
  "--experimental-permission",
  "--allow-inspector",
  "--heapsnapshot-signal",
  "--max-time",
  "--verbosity",
  "--rounds",
  "--write",
  "--noinput",
  "--username",
  "--email",
  "--deploy",
  "--threads",
  "--wait",
  "--watch",
  "--node",
  "--workload",
  "--peer",
  "--all",
  "--no-daemon",
  "--http-socket",
  "--nginx",
  "--always-sparkplug",
  "--wasm-tiering-budget",
  "--liftoff-only",
  "--master",
];

describe.each(DOCUMENTS)("%s", (document) => {
  const text = readFileSync(path.join(ROOT, document), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target = ""]) =>
    path.join(path.dirname(document), target),
  );

  test("names no path of the repository that is not there", () => {
    const inCode = [...text.matchAll(/`((?:src|test|docs|bin|\.ci)\/[^`\s]*)`/g)].map(([, name = ""]) => name);
    const missing = [...inCode, ...links].filter((name) => !isThere(name));
    expect(missing).toEqual([]);
  });

  test("links to nothing that the package leaves out", () => {
    expect(links.filter((name) => !PACKED.some((packed) => name === packed || name.startsWith(`${packed}/`)))).toEqual(
      [],
    );
  });

  test("names no flag that does not exist", () => {
    const known = new Set([
      ...SETTING_KEYS.flatMap((key) => [flagOf(key), rowOf(key).alias, `--no-${flagOf(key).slice(2)}`]),
      ...OTHER_FLAGS,
    ]);
    const named = [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]/g)].map(([flag]) => flag);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });
});

test("the readme is under 150 lines", () => {
  expect(readFileSync(path.join(ROOT, "README.md"), "utf8").split("\n").length).toBeLessThan(150);
});

test("the architecture names every folder of the source", () => {
  const text = readFileSync(path.join(ROOT, "docs/architecture.md"), "utf8");
  const folders = readdirSync(path.join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.filter(({ name }) => !text.includes(`src/${name}/`)).map(({ name }) => name)).toEqual([]);
});

test("the decisions are numbered one by one, in their names and in their titles", () => {
  const numbers = DECISIONS.map((_, index) => String(index + 1).padStart(3, "0"));
  expect(DECISIONS.map((name) => /^(\d{3})-[a-z0-9-]+\.md$/.exec(name)?.[1])).toEqual(numbers);
  const titles = DECISIONS.map(
    (name) => readFileSync(path.join(ROOT, "docs/decisions", name), "utf8").split("\n", 1)[0],
  );
  expect(titles.map((title) => /^# (\d{3}) \S/.exec(title ?? "")?.[1])).toEqual(numbers);
});

/** A file, a folder, or a pattern with a star that matches something. */
function isThere(name: string): boolean {
  if (!name.includes("*")) return existsSync(path.join(ROOT, name));
  const [before = "", after = ""] = path.basename(name).split("*");
  const folder = path.join(ROOT, path.dirname(name));
  return existsSync(folder) && readdirSync(folder).some((file) => file.startsWith(before) && file.endsWith(after));
}
