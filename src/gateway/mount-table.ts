/**
 * Several applications behind one: which of them answers is found by the host and the longest prefix of the path, on
 * decoded segments, so that `%2F` never separates any. Pure functions of a raw target and a host; knows no transport.
 */

import type { MountPoint } from "../mount-point.ts";
import { hostOf } from "./authority.ts";
import { decodePath } from "./request-target.ts";
import type { Application, Environ } from "./types.ts";

/** What answers below a place. */
export interface Mounted<Value> {
  readonly mount: MountPoint;
  readonly value: Value;
}

export class MountTable<Value> {
  readonly #byHost = new Map<string, readonly Mounted<Value>[]>();
  readonly #onAllHosts: readonly Mounted<Value>[];

  /** @param all no two of them at the same place */
  constructor(all: readonly Mounted<Value>[]) {
    const longestFirst = [...all].sort((a, b) => b.mount.segments.length - a.mount.segments.length);
    this.#onAllHosts = longestFirst.filter(({ mount }) => mount.host === undefined);
    for (const { mount } of all) {
      if (mount.host === undefined) continue;
      this.#byHost.set(
        mount.host,
        longestFirst.filter((other) => other.mount.host === mount.host),
      );
    }
  }

  /** Whether the host of a request matters. */
  get hasHosts(): boolean {
    return this.#byHost.size > 0;
  }

  /**
   * What answers a request with this raw target (RFC 9112 section 3.2) for this `host[:port]`: of the host's own mounts
   * the one with the longest prefix, else of those on all hosts; undefined when there is none.
   */
  find(target: string, host: string | undefined): Mounted<Value> | undefined {
    const path = pathOf(target);
    if (this.hasHosts && host !== undefined) {
      const own = this.#byHost.get(hostName(host));
      const found = own?.find(({ mount }) => prefixEnd(path, mount.segments) !== -1);
      if (found !== undefined) return found;
    }
    return this.#onAllHosts.find(({ mount }) => prefixEnd(path, mount.segments) !== -1);
  }
}

/** An application that gets the requests below its place: the prefix moves from `PATH_INFO` to `SCRIPT_NAME`. */
export function atMount({ segments }: MountPoint, application: Application): Application {
  if (segments.length === 0) return application;
  const scriptName = `/${segments.join("/")}`;
  return (environ, startResponse) => {
    const path = pathOf(environ.REQUEST_URI);
    const end = prefixEnd(path, segments);
    if (end !== -1) {
      environ.SCRIPT_NAME = scriptName;
      environ.PATH_INFO = decodePath(path.slice(end));
    }
    return application(environ, startResponse);
  };
}

/**
 * The raw target of a request as its application sees it: without what of the path has moved to `SCRIPT_NAME`, and
 * never without a slash; the query stays. As sent, where nothing has.
 */
export function targetBelow({ REQUEST_URI: target, SCRIPT_NAME: scriptName }: Environ): string {
  return scriptName ? withoutPrefix(target, scriptName.slice(1).split("/")) : target;
}

/** A raw target without the prefix that it begins with; as it is when it does not. */
export function withoutPrefix(target: string, segments: readonly string[]): string {
  const path = pathOf(target);
  const end = prefixEnd(path, segments);
  if (end <= 0) return target;
  const at = ORIGIN.exec(target)?.[0].length ?? 0;
  const rest = target.slice(at + end);
  return target.slice(0, at) + (rest.charCodeAt(0) === SLASH ? rest : `/${rest}`);
}

/** Where in a raw path the prefix ends, which is at a slash or at the end of the path; -1 when it does not begin so. */
function prefixEnd(path: string, segments: readonly string[]): number {
  let at = 0;
  for (const segment of segments) {
    if (path.charCodeAt(at) !== SLASH) return -1;
    const next = path.indexOf("/", at + 1);
    const end = next === -1 ? path.length : next;
    if (decodePath(path.slice(at + 1, end)) !== segment) return -1;
    at = end;
  }
  return at;
}

/** The raw path of a target: without query, and without scheme and host; "" for `*`. */
function pathOf(target: string): string {
  const mark = target.indexOf("?");
  const whole = mark === -1 ? target : target.slice(0, mark);
  if (whole.charCodeAt(0) === SLASH) return whole;
  return whole === "*" ? "" : whole.replace(ORIGIN, "");
}

/** As mounts name it: in lower case, without port and without the dot of a name that is complete. */
function hostName(host: string): string {
  return hostOf(host).replace(/\.$/, "").toLowerCase();
}

const SLASH = 47;
const ORIGIN = /^https?:\/\/[^/?#]*/i;
