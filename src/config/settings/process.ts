/** The process itself: where it runs and how it is found. */

import { one, path, type SettingRows } from "../setting-row.ts";
import { parseText } from "../values.ts";

export const PROCESS: SettingRows<"config" | "chdir" | "pid" | "name"> = {
  config: {
    short: "-c",
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "tsgate.config.{js,mjs,ts,json} if present",
    doc: "Configuration file: exports an object of settings and hooks, or a function that returns one; read afresh at every reload",
    takesEffect: "restart",
    inFile: false,
    isPath: true,
  },
  chdir: {
    metavar: "DIR",
    type: path(),
    default: undefined,
    defaultText: "where tsgate was started",
    doc: "Directory of the application; relative paths of other settings begin there, except that of the configuration file",
    takesEffect: "restart",
    isPath: true,
  },
  pid: {
    short: "-p",
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "Pidfile: refused while its process lives, recovered when stale, removed at exit",
    takesEffect: "restart",
    isPath: true,
  },
  name: {
    short: "-n",
    metavar: "TEXT",
    type: one((value) => parseText(value, "a name")),
    default: "tsgate",
    doc: "Name in the process titles and in each log record",
    takesEffect: "restart",
  },
};
