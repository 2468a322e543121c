/** What is recorded, how and where. */

import { readAccessFormat } from "../access-format.ts";
import { onOff, one, optional, path, type SettingRows } from "../setting-row.ts";
import type { LogFormat, LogLevel, RequestIdChoice } from "../types.ts";
import { parseChoice, parseText } from "../values.ts";

const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"];
const REQUEST_ID_CHOICES: readonly RequestIdChoice[] = ["auto", "on", "off"];
const LOG_FORMATS: readonly LogFormat[] = ["auto", "pretty", "json"];

export const LOGGING: SettingRows<
  "logLevel" | "logFormat" | "logFile" | "accessLogfile" | "accessLogformat" | "requestId" | "captureOutput"
> = {
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
  accessLogfile: {
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "off",
    doc: "Where each request gets its line, written by the workers themselves; - is stdout",
    takesEffect: "reload",
    isPath: true,
  },
  accessLogformat: {
    metavar: "FORMAT",
    type: one((value) => readAccessFormat(value)),
    default: "combined",
    doc: "What that line says: combined, json, or a text with gunicorn's atoms, such as %(h)s %(r)s %(s)s %({x-request-id}i)s",
    takesEffect: "reload",
  },
  requestId: {
    metavar: "WHEN",
    type: one((value) => parseChoice(value, REQUEST_ID_CHOICES)),
    default: "auto",
    defaultText: "auto (on where the access log shows it)",
    doc: "Whether each request has an id, the client's X-Request-Id or a new one, which the application, the reply and both logs carry: on, off, or auto",
    takesEffect: "reload",
  },
  captureOutput: {
    type: onOff(),
    default: false,
    doc: "What the application writes to stdout and stderr becomes records of the log",
    takesEffect: "reload",
  },
};
