/** A log record as a person reads it: the message, who it is about, what varies, and a stack on lines of its own. */

type LogRecord = Readonly<Record<string, unknown>>;

/** Said by the line itself, or of no use to a reader. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "level",
  "time",
  "msg",
  "role",
  "name",
  "id",
  "slot",
  "generation",
  "pid",
  "stack",
  "error",
]);
const COUNTS = ["booting", "ready", "draining", "gone"];

/** The text behind time and level. */
export function prettyMessage(record: LogRecord): string {
  const error = record.error as { message?: unknown; stack?: unknown } | string | undefined;
  const stack = record.stack ?? (typeof error === "object" ? error.stack : undefined);
  const head = [String(record.msg), about(record), rest(record, error), counts(record)]
    .filter((part) => part !== "")
    .join("  ");
  return typeof stack === "string" ? `${head}\n${indent(stack)}` : head;
}

function about({ slot, generation, pid, role }: LogRecord): string {
  if (slot === undefined) return "";
  const who = `slot ${String(slot)} gen ${String(generation)} pid ${String(pid)}`;
  return role === "worker" ? `[${who}]` : who;
}

function rest(record: LogRecord, error: { message?: unknown } | string | undefined): string {
  const fields = Object.entries(record).filter(
    ([name, value]) => !LEFT_OUT.has(name) && !COUNTS.includes(name) && value !== undefined && value !== null,
  );
  const words = fields.map(
    ([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
  );
  if (record.slot === undefined && record.generation !== undefined) words.unshift(`gen ${String(record.generation)}`);
  if (error !== undefined) words.push(`error="${typeof error === "string" ? error : String(error.message)}"`);
  return words.join(" ");
}

function counts(record: LogRecord): string {
  if (typeof record.booting !== "number") return "";
  const { booting, ready, draining } = record;
  return `(${[`${String(ready)} ready`, booting === 0 ? "" : `${String(booting)} booting`, draining === 0 ? "" : `${String(draining)} draining`].filter((part) => part !== "").join(", ")})`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
