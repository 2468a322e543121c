/**
 * A mount as people write it, `PREFIX=APP`: `/api=api.js`, `host:api.example.org/v1=api.js`. Says what is wrong with one
 * that could be read in two ways; which of several answers a request is decided in `gateway/mount-table.ts`.
 */

import type { MountPoint } from "../mount-point.ts";
import { keyed, type ValueType } from "./setting-row.ts";
import type { Mount } from "./types.ts";
import { quoted, ValueError } from "./value-error.ts";

/** Mounts: `PREFIX=APP` texts, or an object of applications by prefix in the configuration file. */
export function mounts(): ValueType<readonly Mount[]> {
  const fromTexts = (values: readonly unknown[]): readonly Mount[] => refuseTwins(values.map(parseMount));
  return keyed(fromTexts, asText, (all) => all.map(({ point, app }) => `${point.text}=${app}`));
}

/** Parses one mount. Throws `ValueError`. */
export function parseMount(value: unknown): Mount {
  const text = typeof value === "string" ? value.trim() : "";
  const at = text.indexOf("=");
  if (at === -1) throw new ValueError(`${quoted(value)} is not a mount; give PREFIX=APP, such as /api=api.js`);
  const prefix = text.slice(0, at);
  const app = text.slice(at + 1).trim();
  if (app === "") throw new ValueError(`${quoted(value)} names no application; give one, such as ${prefix}=api.js`);
  return { point: mountPoint(prefix), app };
}

function asText([prefix, app]: readonly [string, unknown]): string {
  if (typeof app !== "string")
    throw new ValueError(`${prefix} is ${quoted(app)}; give an application, such as "api.js"`);
  return `${prefix}=${app}`;
}

function mountPoint(prefix: string): MountPoint {
  const isOfHost = prefix.startsWith(HOST_MARK);
  const slash = prefix.indexOf("/");
  const path = slash === -1 ? "" : prefix.slice(slash);
  if (!isOfHost && slash !== 0)
    throw new ValueError(`the prefix ${quoted(prefix)} does not begin with a slash; give one such as /api`);
  const host = isOfHost
    ? parseHost(prefix, prefix.slice(HOST_MARK.length, slash === -1 ? undefined : slash))
    : undefined;
  if (path === "/" && !isOfHost)
    throw new ValueError(
      `the prefix "/" is the place of the application itself; give it without --mount: tsgate app.js`,
    );
  const segments = path === "" ? [] : path.slice(1).split("/");
  const complaint = complaintAbout(path, segments);
  if (complaint !== undefined) throw new ValueError(`the prefix ${quoted(prefix)} ${complaint}`);
  return { text: `${host === undefined ? "" : HOST_MARK + host}${path}`, host, segments };
}

function complaintAbout(path: string, segments: readonly string[]): string | undefined {
  if (path.length > 1 && path.endsWith("/") && !path.endsWith("//"))
    return `ends with a slash; leave that out: ${path.slice(0, -1)} takes ${path} too`;
  if (path === "/") return "ends with a slash; leave that out";
  if (segments.includes("")) return "has an empty segment; write one slash between segments";
  if (segments.includes(".") || segments.includes("..")) return "has a segment of dots; write the path that is meant";
  if (path.includes("%")) return "is percent-encoded; write it decoded, as it is compared with decoded paths";
  if (/[?#]/.test(path)) return "has more than a path; leave out what follows it";
  return UNWRITABLE.test(path) ? "has a backslash, a space or a control character; leave it out" : undefined;
}

/** In lower case. A port says nothing of the application that is meant, and patterns would leave open which one wins. */
function parseHost(prefix: string, host: string): string {
  const refuse = (problem: string): never => {
    throw new ValueError(`the prefix ${quoted(prefix)} ${problem}`);
  };
  if (host === "") return refuse(`names no host; give one, such as ${HOST_MARK}api.example.org`);
  if (host.includes("*")) return refuse("has a pattern for a host; name each host");
  if (!host.startsWith("[") && /:\d*$/.test(host)) return refuse("names a port; leave it out, every port is meant");
  if (BEYOND_ASCII.test(host)) return refuse("has a host beyond ASCII; write it as browsers send it (xn--…)");
  if (!HOST_NAME.test(host) && !IPV6.test(host))
    return refuse(`names a host that is none; give one such as ${HOST_MARK}api.example.org, or an address`);
  return host.toLowerCase();
}

/** Two at the same place: which is meant, only the user knows. */
function refuseTwins(all: readonly Mount[]): readonly Mount[] {
  const places = new Set<string>();
  for (const { point } of all) {
    if (places.has(point.text)) throw new ValueError(`${point.text} is given twice; leave one out`);
    places.add(point.text);
  }
  return all;
}

const HOST_MARK = "host:";
const HOST_NAME = /^(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;
const BEYOND_ASCII = /[\u0080-\uffff]/;
const UNWRITABLE = /[\s\p{Cc}\\]/u;
