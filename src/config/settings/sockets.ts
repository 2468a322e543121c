/** What the server listens on. */

import { formatAddress, parseBindAddress } from "../bind-address.ts";
import { defaultBind } from "../found-defaults.ts";
import { atLeastOne, many, one, type SettingRows } from "../setting-row.ts";
import { parseInteger } from "../values.ts";

export const SOCKETS: SettingRows<"bind" | "backlog"> = {
  bind: {
    short: "-b",
    metavar: "ADDRESS",
    type: atLeastOne(many(parseBindAddress, formatAddress), "127.0.0.1:8000"),
    default: defaultBind,
    defaultText: "127.0.0.1:8000, or :$PORT",
    doc: "Address to listen on, may be repeated: host:port, :port or port (all addresses, IPv6 and IPv4), [::1]:port, unix:path, unix:@abstract, fd://n; port 0 picks a free one",
    takesEffect: "restart",
  },
  backlog: {
    metavar: "N",
    type: one((value) => parseInteger(value, 1, 65_535)),
    default: 2048,
    doc: "Connections that may wait to be accepted",
    takesEffect: "restart",
  },
};
