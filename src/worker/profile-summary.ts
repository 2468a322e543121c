/**
 * A CPU profile of V8 as a short tree of what the application did: frames of Node and tsgate are folded into the call of
 * the application that led to them, a function that calls itself is one, and what hardly counts is left out. Pure.
 */

import type { Profiler } from "node:inspector";
import { DEEPEST_CALL, MOST_CALLS, type ProfiledCall, type WorkerProfile } from "../worker-profile.ts";

export interface SummaryOptions {
  /** Whether a script is neither Node's nor tsgate's; never asked about one without a name. */
  readonly isUsers: (url: string) => boolean;
  /** Where a place of the running code is in its source. `line` and `column` count from 1. */
  readonly placeOf: (url: string, line: number, column: number) => { readonly file: string; readonly line: number };
}

/** Calls below this share of the samples are left out. */
const LEAST_SHARE = 0.01;
/** Behind whatever a line holds: the last place on it that a source map knows. */
const END_OF_LINE = 1_000_000;

interface Call {
  readonly frame: Profiler.ProfileNode["callFrame"];
  readonly isUsers: boolean;
  readonly calls: Map<string, Call>;
  readonly ticks: Map<number, number>;
  self: number;
  total: number;
}

export function summarize(profile: Profiler.Profile, options: SummaryOptions): WorkerProfile {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const outside = { idle: 0, garbageCollection: 0, other: 0 };
  const top = new Map<string, Call>();
  const visit = (node: Profiler.ProfileNode, caller: Call | undefined): void => {
    const call = callIn(node, caller, top, options);
    if (call === undefined) outside[kindOutside(node)] += node.hitCount ?? 0;
    else count(call, node);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, call);
    }
  };
  const [root] = profile.nodes;
  if (root !== undefined) visit(root, undefined);
  const samples = profile.nodes.reduce((sum, { hitCount = 0 }) => sum + hitCount, 0);
  for (const call of top.values()) addUp(call);
  const share = (hits: number): number => (samples === 0 ? 0 : Math.round((1000 * hits) / samples) / 1000);
  return {
    durationMs: Math.round((profile.endTime - profile.startTime) / 1000),
    samples,
    idle: share(outside.idle),
    garbageCollection: share(outside.garbageCollection),
    outside: share(outside.other),
    calls: hottest(top, share, options.placeOf),
  };
}

/** The call that a node belongs to; undefined where nothing of the application is on the stack. */
function callIn(
  { callFrame }: Profiler.ProfileNode,
  caller: Call | undefined,
  top: Map<string, Call>,
  { isUsers }: SummaryOptions,
): Call | undefined {
  const isOfUser = callFrame.url !== "" && isUsers(callFrame.url);
  // What Node does beyond the function that the application has called is that function's.
  if (!isOfUser && caller?.isUsers !== true) return caller;
  const key = keyOf(callFrame);
  if (caller !== undefined && key === keyOf(caller.frame)) return caller;
  const siblings = caller === undefined ? top : caller.calls;
  const known = siblings.get(key);
  if (known !== undefined) return known;
  const call = { frame: callFrame, isUsers: isOfUser, calls: new Map(), ticks: new Map(), self: 0, total: 0 };
  siblings.set(key, call);
  return call;
}

function keyOf({ functionName, url, lineNumber, columnNumber }: Call["frame"]): string {
  return `${url}:${lineNumber}:${columnNumber}:${functionName}`;
}

function kindOutside({
  callFrame: { functionName, url },
}: Profiler.ProfileNode): "idle" | "garbageCollection" | "other" {
  if (url !== "") return "other";
  if (functionName === "(idle)") return "idle";
  return functionName === "(garbage collector)" ? "garbageCollection" : "other";
}

function count(call: Call, { hitCount = 0, positionTicks = [], callFrame }: Profiler.ProfileNode): void {
  call.self += hitCount;
  // Lines of what was folded into it are another file's.
  if (callFrame.url !== call.frame.url) return;
  for (const { line, ticks } of positionTicks) call.ticks.set(line, (call.ticks.get(line) ?? 0) + ticks);
}

function addUp(call: Call): number {
  call.total = call.self;
  for (const inner of call.calls.values()) call.total += addUp(inner);
  return call.total;
}

function hottest(
  top: ReadonlyMap<string, Call>,
  share: (hits: number) => number,
  placeOf: SummaryOptions["placeOf"],
): ProfiledCall[] {
  let left = MOST_CALLS;
  const told = (calls: ReadonlyMap<string, Call>, deepest: number): ProfiledCall[] => {
    const hot = [...calls.values()].filter(({ total }) => share(total) >= LEAST_SHARE && total > 0);
    return hot
      .toSorted((a, b) => b.total - a.total)
      .flatMap((call) => {
        if (deepest === 0 || left === 0) return [];
        left--;
        const { frame, isUsers, self, total } = call;
        const numbers = { self: share(self), total: share(total) };
        const place = placeIn(call, placeOf);
        return [{ name: frame.functionName, ...place, isUsers, ...numbers, calls: told(call.calls, deepest - 1) }];
      });
  };
  return told(top, DEEPEST_CALL);
}

function placeIn({ frame, ticks }: Call, placeOf: SummaryOptions["placeOf"]): { file: string; line: number } {
  const { url, lineNumber, columnNumber } = frame;
  if (url === "") return { file: "", line: 0 };
  const [[hot] = [lineNumber + 1]] = [...ticks].sort(([, a], [, b]) => b - a);
  // In a minified file everything is on the function's own line, of which only its beginning is known.
  const column = hot === lineNumber + 1 ? columnNumber + 1 : END_OF_LINE;
  const { file, line } = placeOf(url, hot, column);
  return { file, line };
}
