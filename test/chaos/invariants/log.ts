/** The log holds nothing above `info` that no event has caused. Pure. */

import type { LogRecord, RecordMatch } from "../../support/log-records.ts";
import { isMatch } from "../../support/log-records.ts";
import { Violation } from "../violation.ts";

const INFO = 30;

/** Ends that the master has asked for, or that say something of the slot's past though they were asked for. */
const PLANNED = new Set([
  "reload",
  "stop",
  "scaled down",
  "superseded",
  "rollout aborted",
  "terminated",
  "unhealthy",
  "max requests",
]);

/**
 * Whether it tells of trouble: by its level, or, where a slot in a crash loop has spent its lines and the record went to
 * the debug level, by what it tells.
 */
export function isAlarming({ level, msg, cause }: LogRecord): boolean {
  if (level >= INFO) return level > INFO;
  return msg === "worker gone" ? !PLANNED.has(String(cause)) : OBITUARIES.has(msg);
}

/** What a machine or a plan of losses may cause at any time, and what they are about. */
const HARMLESS = new Set(["degraded", "master was not running"]);

/** What Node itself writes in a worker that hangs and is asked where. */
const SAID_BY_NODE = new Set(["Debugger attached."]);

/** What is said of a worker that was killed or hangs. */
const OBITUARIES = new Set(["worker gone", "worker hung", "worker killed"]);

/**
 * Throws a Violation for the first record that was not to be expected, and for a line that is no record.
 * @param expected what events have caused
 * @param dead workers that events have killed or made hang
 */
export function expectQuietLog(
  { records, otherLines }: { records: readonly LogRecord[]; otherLines: readonly string[] },
  expected: readonly RecordMatch[],
  dead: readonly number[],
): void {
  const ready = new Set(records.filter(({ msg }) => msg === "worker ready").map(({ pid }) => pid));
  // A worker that is no longer wanted before it serves gets little time to leave, and nobody misses it.
  const isDropped = ({ msg, cause, pid }: LogRecord): boolean =>
    msg === "worker killed" && cause === "drain timeout" && !ready.has(pid);
  // Where it is no trouble of its own: the failure of the reload says it.
  const failed = new Set(records.filter(({ msg }) => msg === "reload failed").map(({ generation }) => generation));
  const isSaidByReload = ({ level, msg, generation }: LogRecord): boolean =>
    level < INFO && msg === "worker gone" && failed.has(generation);
  const isExpected = (record: LogRecord): boolean =>
    HARMLESS.has(record.msg) ||
    isDropped(record) ||
    isSaidByReload(record) ||
    (OBITUARIES.has(record.msg) && dead.includes(Number(record.pid))) ||
    expected.some((match) => isMatch(record, match));
  const surprise = records.find((record) => isAlarming(record) && !isExpected(record));
  if (surprise !== undefined) throw new Violation("log", `nothing explains this record: ${JSON.stringify(surprise)}`);
  const line = otherLines.find((one) => !SAID_BY_NODE.has(one));
  if (line !== undefined) throw new Violation("log", `standard error holds what is no record: ${line}`);
}
