/** The interpreter of applications of kind wsgi. */

import { many, one, optional, type SettingRows } from "../setting-row.ts";
import { parseInteger, parseText } from "../values.ts";

const MOST_THREADS = 256;

export const PYTHON: SettingRows<"python" | "pythonThreads" | "pythonpath"> = {
  python: {
    metavar: "PATH",
    type: optional((value) => parseText(value, "a program")),
    default: undefined,
    defaultText: "that of $VIRTUAL_ENV, else python3",
    doc: "Python interpreter (3.9 or later) of the workers, or the folder of a virtual environment; a relative path begins at chdir",
    kinds: ["wsgi"],
    takesEffect: "reload",
  },
  pythonThreads: {
    metavar: "N",
    type: one((value) => parseInteger(value, 1, MOST_THREADS)),
    default: 1,
    doc: "Threads of each worker's interpreter, each at one request at a time; more requests wait in the worker",
    kinds: ["wsgi"],
    takesEffect: "reload",
  },
  pythonpath: {
    metavar: "DIR",
    type: many((value) => parseText(value, "a directory")),
    default: [],
    defaultText: "none",
    doc: "Directory for Python's module path, behind the application's own; may be repeated",
    kinds: ["wsgi"],
    takesEffect: "reload",
  },
};
