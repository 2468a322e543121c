/**
 * The text of `docs/settings.md`, made from the settings table; a test fails when the page is stale. Used by that test
 * and by no part of the server.
 */

import { defaultText, flagOf, variableOf } from "./setting-row.ts";
import { GROUPS, rowOf } from "./settings.ts";
import type { Settings } from "./types.ts";

/** The whole page, in Markdown, with a line feed at its end. */
export function settingsPage(): string {
  const groups = GROUPS.map(({ name, keys }) =>
    [`## ${name}`, "", ...keys.flatMap((key) => [...entry(key), ""])].join("\n"),
  );
  return [HEAD, ...groups, TAIL].join("\n");
}

function entry(key: keyof Settings): string[] {
  const row = rowOf(key);
  const value = row.metavar === undefined ? "" : ` ${row.metavar}`;
  const flags = [row.short, flagOf(key), row.alias].filter((flag) => flag !== undefined);
  const kinds = row.kinds?.join(", ") ?? "every kind";
  return [
    `### \`${key}\``,
    "",
    `${row.doc}.`,
    "",
    "| flag | variable | key in the file | default | applications | a change counts |",
    "|---|---|---|---|---|---|",
    `| ${[
      flags.map((flag) => code(`${flag}${value}`)).join(", "),
      code(variableOf(key)),
      row.inFile === false ? "–" : code(key),
      escaped(defaultText(row)),
      kinds,
      row.takesEffect === "reload" ? "at reload" : "at restart",
    ].join(" | ")} |`,
  ];
}

function code(text: string): string {
  return `\`${escaped(text)}\``;
}

function escaped(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

const HEAD = `# Settings

Made from the tables in \`src/config/settings/\` by \`npm run docs\`; a test fails when this page is stale.

Every setting is a flag, an environment variable and a camelCase key of the configuration file. The command line wins
over the environment, the environment over the file, the file over the default; a value replaces the weaker one as a
whole, lists too. An unknown flag, variable or key is an error that names the nearest known one, and a value that cannot
be used is an error wherever it stands, even when a stronger one would win: one sentence, exit code 2.

- **Durations** (T) are seconds, fractions included, or carry a unit: \`500ms\`, \`30s\`, \`5m\`, \`1h\`. In the file a
  number is seconds too.
- **Lists**: on the command line the flag is repeated, in a variable the values are separated by spaces, in the file they
  are an array (or one value alone).
- **Switches** are \`--preload\` and \`--no-preload\` on the command line, \`1\` and \`0\` in a variable, \`true\` and \`false\`
  in the file.
- **Paths** that are not absolute begin in \`chdir\`; those of \`config\` and \`chdir\` begin where tsgate was started.
- An **empty variable** counts as not set. \`$WEB_CONCURRENCY\` and \`$PORT\` stand in for the defaults of \`workers\` and
  \`bind\`, so the configuration file wins over them.
- **At reload** (HUP) the file is read again and every setting resolved again; what counts only *at restart* keeps its
  value until then.
`;

const TAIL = `## The configuration file

\`tsgate.config.js\`, \`.mjs\`, \`.ts\` or \`.json\` in the directory where tsgate was started (\`chdir\` does not move the
search); the first of them that is there is read, or the one that \`--config FILE\` names, which may also end in \`.cjs\`,
\`.mts\` or \`.cts\`. TypeScript needs Node 22.18 or later, or \`NODE_OPTIONS="--import tsx"\`.

\`\`\`js
export default {
  app: "app.js", // so that \`tsgate\` alone starts it
  appArgs: ["--verbose"], // what would follow -- on the command line
  bind: [":8000", "unix:/run/app.sock"],
  workers: 4,
  gracefulTimeout: "45s",
  env: { NODE_ENV: "production" },
  whenReady() {
    console.log("every worker is ready");
  },
};
\`\`\`

It exports an object, or a function (async if it likes) that returns one; \`defineConfig({ … })\` of the package gives the
object its type in an editor. It is read afresh at every reload, and has 30 s to load; modules that it imports are not
read again. \`app\` and \`appArgs\` are not settings: they have no flag, and what the command line says in their place
wins.

**Hooks** are functions of the file. In the master: \`onStarting()\`, \`whenReady()\`, \`onReload()\`, \`onExit()\`,
\`childExit(worker, code, signal)\`, \`workersChanged(workers, before)\`; in the worker: \`postWorkerInit(worker)\`,
\`workerExit(worker)\`. A hook that throws is logged with its name and changes nothing else.

## Modes

\`--check-config\` loads the configuration and the application, says what was found and exits with 0 or the right code.
\`--print-config\` also prints every setting with its value and where it came from; values of variables whose name looks
like a secret are masked.
`;
