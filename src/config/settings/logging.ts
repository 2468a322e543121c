/** What is recorded, how and where. */

import { one, optional, type SettingRows } from "../setting-row.ts";
import type { LogFormat, LogLevel } from "../types.ts";
import { parseChoice, parseText } from "../values.ts";

const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];
const LOG_FORMATS: readonly LogFormat[] = ["auto", "pretty", "json"];

export const LOGGING: SettingRows<"logLevel" | "logFormat" | "logFile"> = {
  logLevel: {
    metavar: "LEVEL",
    type: one((value) => parseChoice(value, LOG_LEVELS)),
    default: "info",
    doc: "Least important records to write: trace, debug, info, warn, error or fatal",
    takesEffect: "restart",
  },
  logFormat: {
    metavar: "FORMAT",
    type: one((value) => parseChoice(value, LOG_FORMATS)),
    default: "auto",
    defaultText: "auto (pretty on a terminal, else json)",
    doc: "How records are written: auto, pretty or json",
    takesEffect: "restart",
  },
  logFile: {
    alias: "--error-logfile",
    metavar: "FILE",
    type: optional((value) => (value === "-" ? undefined : parseText(value, "a path"))),
    default: undefined,
    defaultText: "stderr",
    doc: "Where records are written; - is stderr",
    takesEffect: "restart",
    isPath: true,
  },
};
