/** What is written to disk for a server of the chaos suite: its configuration, good applications and broken ones. */

import type { ApplicationKind } from "../support/applications.ts";

/** Settings of every server; times in milliseconds. */
export const TIMES = {
  timeout: 5000,
  bootTimeout: 10_000,
  gracefulTimeout: 10_000,
} as const;

const FIXTURE = new URL("../fixtures/chaos-app.mjs", import.meta.url).href;

export interface ServerShape {
  readonly kind: ApplicationKind;
  readonly binds: readonly string[];
  readonly workers: number;
  readonly lingerMs: number;
  readonly surge: number | string;
  /** After so many requests a worker is replaced; 0 for never. */
  readonly maxRequests: number;
}

/** The text of tsgate.config.json. */
export function configuration({ binds, workers, lingerMs, surge, maxRequests }: ServerShape): string {
  return JSON.stringify({
    bind: binds,
    workers,
    surge,
    linger: `${lingerMs}ms`,
    timeout: `${TIMES.timeout}ms`,
    bootTimeout: `${TIMES.bootTimeout}ms`,
    gracefulTimeout: `${TIMES.gracefulTimeout}ms`,
    maxRequests,
    maxRequestsJitter: Math.floor(maxRequests / 4),
  });
}

/** A version's name, as its replies say it. */
export function versionName(version: number): string {
  return `v${version}`;
}

/** The text of app.mjs: `before` runs before anything is there, `after` when the application is. */
export function source(kind: ApplicationKind, version: number, { before = "", after = "" } = {}): string {
  const make = `chaosApp("${kind}", "${versionName(version)}")`;
  const head = `import { chaosApp, endNow } from "${FIXTURE}";\nexport { health } from "${FIXTURE}";\nvoid endNow;\n${before}\n`;
  switch (kind) {
    case "server":
      return `${head}${make};\n${after}\n`;
    case "gateway":
      return `${head}export const application = ${make};\n${after}\n`;
    case "node":
    case "express":
    case "fetch":
      return `${head}export default ${make};\n${after}\n`;
  }
}

/** A good application whose module takes `bootMs` to load. */
export function goodSource(kind: ApplicationKind, version: number, bootMs: number): string {
  return source(kind, version, { before: `await new Promise((loaded) => setTimeout(loaded, ${bootMs}));` });
}

/** A deployment that must not come into force. */
export interface Breakage {
  /** What replaces app.mjs. */
  readonly app?: (kind: ApplicationKind, version: number) => string;
  /** What is wrong with tsgate.config.json. */
  readonly config?: object;
  /** What `reload failed` must say. */
  readonly error: RegExp;
  /** The message of the exception that it throws where nobody catches. */
  readonly throws?: string;
}

const THROWN_LATE = "broken when it was ready";

/** Every way in which a deployment may be broken, by name. */
export const BREAKAGES = {
  "syntax error": {
    app: (kind, version) => source(kind, version, { after: "const = 1;" }),
    error: /failed to load: Unexpected token '='/,
  },
  "throws at import": {
    app: (kind, version) => source(kind, version, { before: 'if (Date.now() > 0) throw new Error("broken");' }),
    error: /failed to load: broken/,
  },
  "never ready": {
    app: (kind, version) => source(kind, version, { before: "await new Promise((yes) => setTimeout(yes, 600_000));" }),
    error: /did not finish loading within 10 s/,
  },
  "exits at once": {
    app: (kind, version) => source(kind, version, { before: "process.exit(0);" }),
    error: /ended its process with exit code 0 while it was loading/,
  },
  "exits before it serves": {
    app: (kind, version) => source(kind, version, { after: "setTimeout(() => endNow(3), 500);" }),
    error: /ended its process with exit code 3/,
  },
  "ready, then throws": {
    app: (kind, version) =>
      source(kind, version, { after: `setTimeout(() => {\n  throw new Error("${THROWN_LATE}");\n}, 1300);` }),
    error: /broken when it was ready/,
    throws: THROWN_LATE,
  },
  "ready, then exits": {
    app: (kind, version) => source(kind, version, { after: "setTimeout(() => endNow(3), 1300);" }),
    error: /ended its process with exit code 3/,
  },
  "unknown key": { config: { wokers: 3 }, error: /wokers.*workers/ },
  "wrong value": { config: { workers: "many" }, error: /workers.*many/ },
} as const satisfies Record<string, Breakage>;

export type BreakageName = keyof typeof BREAKAGES;

export const BREAKAGE_NAMES = Object.keys(BREAKAGES) as readonly BreakageName[];

/** Those that a generation is begun for, because only its first worker can tell. */
export const BROKEN_APPLICATIONS = BREAKAGE_NAMES.filter((name) => "app" in BREAKAGES[name]);
