/**
 * Proves that the project's lint configuration catches the mistakes a process manager dies of: every rule is shown a
 * planted defect, and a clean twin it must leave alone, in a temporary project with the real folders' names.
 */

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What the planted files import. */
const SCENERY: Record<string, string> = {
  "src/leaf.ts": "export const leaf = 1;\n",
  "src/config/types.ts": "export interface Settings { readonly workers: number }\nexport const NAMES = ['workers'];\n",
  "src/config/resolve.ts": "export const resolved = 1;\n",
  "src/cli/options.ts": "export const options = 1;\n",
  "src/master/pool.ts": "export const pool = 1;\n",
  "src/worker/serve.ts": "export const serve = 1;\n",
  "src/gateway/types.ts": "export const gateway = 1;\n",
  "src/http/parser.ts": "export const parser = 1;\n",
  "src/observe/metrics.ts": "export const metrics = 1;\n",
};

/** A planted defect: the file it stands in, the rule that must find it there, the code. */
const DEFECTS: readonly (readonly [name: string, file: string, rule: string, code: string])[] = [
  [
    "a promise nobody waits for",
    "src/master/floating.ts",
    "no-floating-promises",
    "async function save(): Promise<void> {}\nexport function go(): void { save(); }\n",
  ],
  [
    "an async listener",
    "src/master/listener.ts",
    "no-misused-promises",
    "import process from 'node:process';\nimport { setTimeout } from 'node:timers/promises';\nprocess.on('SIGHUP', async () => { await setTimeout(1); });\n",
  ],
  [
    "a promise taken for a condition",
    "src/master/condition.ts",
    "no-misused-promises",
    "async function alive(): Promise<boolean> { return true; }\nexport function go(): number { return alive() ? 1 : 2; }\n",
  ],
  [
    "a state without a branch",
    "src/master/states.ts",
    "switch-exhaustiveness-check",
    "export function label(state: 'booting' | 'ready'): string { switch (state) { case 'booting': return 'b'; default: return ''; } }\n",
  ],
  [
    "two files that import each other",
    "src/master/cycle-a.ts",
    "no-cycle",
    "import { b } from './cycle-b.ts';\nexport const a = (): number => b();\n",
  ],
  [
    "the master importing the worker",
    "src/master/of-worker.ts",
    "no-restricted-imports",
    "export { serve } from '../worker/serve.ts';\n",
  ],
  [
    "the master importing request code",
    "src/master/of-gateway.ts",
    "no-restricted-imports",
    "import { gateway } from '../gateway/types.ts';\nexport const x = gateway;\n",
  ],
  [
    "the worker importing the master",
    "src/worker/of-master.ts",
    "no-restricted-imports",
    "import { pool } from '../master/pool.ts';\nexport const x = pool;\n",
  ],
  [
    "the worker importing the master's types from a folder further down",
    "src/worker/deep/of-master.ts",
    "no-restricted-imports",
    "import type { pool } from '../../master/pool.ts';\nexport type X = typeof pool;\n",
  ],
  [
    "the watchdog's thread importing the worker",
    "src/watchdog/of-worker.ts",
    "no-restricted-imports",
    "import { serve } from '../worker/serve.ts';\nexport const x = serve;\n",
  ],
  [
    "the gateway importing configuration",
    "src/gateway/of-config.ts",
    "no-restricted-imports",
    "import { resolved } from '../config/resolve.ts';\nexport const x = resolved;\n",
  ],
  [
    "gateway middleware importing the worker",
    "src/gateway/middleware/of-worker.ts",
    "no-restricted-imports",
    "import { serve } from '../../worker/serve.ts';\nexport const x = serve;\n",
  ],
  [
    "the HTTP engine importing the master",
    "src/http/of-master.ts",
    "no-restricted-imports",
    "import { pool } from '../master/pool.ts';\nexport const x = pool;\n",
  ],
  [
    "the HTTP engine importing the command line",
    "src/http/of-cli.ts",
    "no-restricted-imports",
    "import { options } from '../cli/options.ts';\nexport const x = options;\n",
  ],
  [
    "configuration importing the master",
    "src/config/of-master.ts",
    "no-restricted-imports",
    "import { pool } from '../master/pool.ts';\nexport const x = pool;\n",
  ],
  [
    "observation importing the worker",
    "src/observe/of-worker.ts",
    "no-restricted-imports",
    "import { serve } from '../worker/serve.ts';\nexport const x = serve;\n",
  ],
  [
    "a leaf file importing a folder",
    "src/leaf-of-gateway.ts",
    "no-restricted-imports",
    "import { gateway } from './gateway/types.ts';\nexport const x = gateway;\n",
  ],
  [
    "a leaf file importing a value of the configuration",
    "src/leaf-of-config.ts",
    "no-restricted-imports",
    "import { NAMES } from './config/types.ts';\nexport const x = NAMES;\n",
  ],
  [
    "process.exit in the master",
    "src/master/exits.ts",
    "no-restricted-properties",
    "import process from 'node:process';\nexport function go(): never { return process.exit(1); }\n",
  ],
  [
    "process.exit in a subcommand",
    "src/cli/exits.ts",
    "no-restricted-properties",
    "export function go(): never { return process.exit(1); }\n",
  ],
  [
    "one of Node's underscores outside its file",
    "src/worker/underscore.ts",
    "no-underscore-dangle",
    "import type { Server } from 'node:net';\nexport const handle = (server: Server): unknown => (server as unknown as { _handle: unknown })._handle;\n",
  ],
];

/** The same constructions where they are right: nothing may be reported. */
const CLEAN: Record<string, string> = {
  "src/master/cycle-b.ts": "import { a } from './cycle-a.ts';\nexport const b = (): number => a();\n",
  "src/master/clean.ts":
    "import process from 'node:process';\nimport { leaf } from '../leaf.ts';\nimport { resolved } from '../config/resolve.ts';\n" +
    "async function save(): Promise<void> {}\n" +
    "process.on('SIGHUP', () => { save().catch(() => {}); });\n" +
    "export function label(state: 'booting' | 'ready'): number { switch (state) { case 'booting': return leaf; case 'ready': return resolved; } }\n",
  "src/worker/clean.ts":
    "import { gateway } from '../gateway/types.ts';\nimport { leaf } from '../leaf.ts';\nexport function go(): never { return process.exit(gateway + leaf); }\n",
  "src/http/clean.ts": "import { gateway } from '../gateway/types.ts';\nexport const x = gateway;\n",
  "src/leaf-clean.ts":
    "import type { Settings } from './config/types.ts';\nimport { leaf } from './leaf.ts';\nexport const workers = (settings: Settings): number => settings.workers + leaf;\n",
  "src/cli/main.ts":
    "import { pool } from '../master/pool.ts';\nexport function go(): never { return process.exit(pool); }\n",
  "src/index.ts": "export { gateway } from './gateway/types.ts';\n",
};

let project: string;
let found: Map<string, Set<string>>;

beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), "tsgate-lint-"));
  for (const file of [".oxlintrc.json", "tsconfig.json"])
    await copyFile(path.join(root, file), path.join(project, file));
  await symlink(path.join(root, "node_modules"), path.join(project, "node_modules"));
  const planted = DEFECTS.map(([, file, , code]) => [file, code] as const);
  for (const [file, code] of [...Object.entries(SCENERY), ...Object.entries(CLEAN), ...planted]) {
    await mkdir(path.dirname(path.join(project, file)), { recursive: true });
    await writeFile(path.join(project, file), code);
  }
  found = await lint(project);
});

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

describe("lint", () => {
  test.for(DEFECTS)("finds %s", ([, file, rule]) => {
    expect([...(found.get(file) ?? [])]).toContain(rule);
  });

  test.for(Object.keys(CLEAN).filter((file) => !file.includes("cycle")))("leaves %s alone", (file) => {
    expect([...(found.get(file) ?? [])]).toEqual([]);
  });
});

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

/** Runs the linter over the project at `cwd`: the names of the rules that spoke, by file. */
async function lint(cwd: string): Promise<Map<string, Set<string>>> {
  const output = await new Promise<string>((resolve) => {
    const bin = path.join(root, "node_modules/oxlint/bin/oxlint");
    execFile(process.execPath, [bin, "--format=json", "src"], { cwd, timeout: 20_000 }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
  const rules = new Map<string, Set<string>>();
  for (const { code, filename } of diagnostics) {
    const rule = /\(([^)]+)\)/.exec(code)?.[1] ?? code;
    rules.set(filename, (rules.get(filename) ?? new Set()).add(rule));
  }
  return rules;
}
