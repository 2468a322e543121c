/** How operators look at the server. */

import { formatAddress, parseBindAddress } from "../bind-address.ts";
import { many, one, path, type SettingRows } from "../setting-row.ts";
import { parseInteger } from "../values.ts";

export const OPERATION: SettingRows<"adminBind" | "adminTokenFile" | "minReady" | "controlSocket"> = {
  adminBind: {
    metavar: "ADDRESS",
    type: many(parseBindAddress, formatAddress),
    default: [],
    defaultText: "off",
    doc: "Address of the operator's endpoints, written as for bind, may be repeated: /livez, /readyz and /metrics for whoever can connect, /status.json and the status page / for this machine and for who has the token",
    takesEffect: "restart",
  },
  adminTokenFile: {
    metavar: "FILE",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "File with the token that lets other machines read /status.json and the status page, as Authorization: Bearer TOKEN or as the password that a browser asks for",
    takesEffect: "reload",
    isPath: true,
  },
  minReady: {
    metavar: "N",
    type: one((value) => parseInteger(value, 1, 4096)),
    default: 1,
    doc: "How many workers must be ready for /readyz to say so",
    takesEffect: "reload",
  },
  controlSocket: {
    metavar: "PATH",
    type: path(),
    default: undefined,
    defaultText: "none",
    doc: "Unix socket for tsgate ctl, its owner's alone (mode 0600); with it the workers count what they do",
    takesEffect: "restart",
    isPath: true,
  },
};
