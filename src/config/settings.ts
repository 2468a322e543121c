/**
 * THE table of settings: one row each, by group. Flags, variables, keys of the configuration file, validation, `--help`,
 * `--print-config` and `docs/settings.md` come out of it, and nothing about a setting is written anywhere else.
 * Names follow from the key (`setting-row.ts`); durations are milliseconds, sizes are bytes.
 */

import type { SettingRow, SettingRows } from "./setting-row.ts";
import { APPLICATION } from "./settings/application.ts";
import { LIMITS } from "./settings/limits.ts";
import { LOGGING } from "./settings/logging.ts";
import { OPERATION } from "./settings/operation.ts";
import { PROXIES } from "./settings/proxies.ts";
import { PROCESS } from "./settings/process.ts";
import { PYTHON } from "./settings/python.ts";
import { SOCKETS } from "./settings/sockets.ts";
import { TIMEOUTS } from "./settings/timeouts.ts";
import { WORKERS } from "./settings/workers.ts";
import type { Settings } from "./types.ts";

/** Every setting, by key. */
export const SETTINGS: SettingRows<keyof Settings> = {
  ...SOCKETS,
  ...WORKERS,
  ...APPLICATION,
  ...PYTHON,
  ...TIMEOUTS,
  ...LIMITS,
  ...PROXIES,
  ...PROCESS,
  ...LOGGING,
  ...OPERATION,
};

/** The groups of `--help` and of the settings page, in their order, each with the keys of its settings. */
export const GROUPS = Object.entries({
  Sockets: SOCKETS,
  Workers: WORKERS,
  Application: APPLICATION,
  Python: PYTHON,
  Timeouts: TIMEOUTS,
  Limits: LIMITS,
  Proxies: PROXIES,
  Process: PROCESS,
  Logging: LOGGING,
  Operation: OPERATION,
}).map(([name, rows]) => ({ name, keys: Object.keys(rows) as readonly (keyof Settings)[] }));

/** The keys of all settings, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly (keyof Settings)[];

/** The row of `key`, for code that treats all settings alike. */
export function rowOf(key: keyof Settings): SettingRow<unknown> {
  return SETTINGS[key];
}
