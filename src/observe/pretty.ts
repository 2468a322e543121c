/** A log record as a person reads it: the message, who it is about, what varies, and a stack on lines of its own. */

type LogRecord = Readonly<Record<string, unknown>>;

/** Said by the line itself, or of no use to a reader. */
const LEFT_OUT: ReadonlySet<string> = new Set(
  "level time msg role name id slot generation pid stack error booting ready draining gone".split(" "),
);

/** The text behind time and level. */
export function prettyMessage(record: LogRecord): string {
  const parts = [text(record.msg), about(record), rest(record), counts(record)];
  const head = parts.filter((part) => part !== "").join("  ");
  const stack = record.stack ?? memberOf(record.error, "stack");
  return typeof stack === "string" ? `${head}\n${indent(stack)}` : head;
}

function about({ slot, generation, pid, role }: LogRecord): string {
  if (slot === undefined) return `pid ${text(pid)}${generation === undefined ? "" : ` gen ${text(generation)}`}`;
  const who = `slot ${text(slot)} gen ${text(generation)} pid ${text(pid)}`;
  return role === "worker" ? `[${who}]` : who;
}

function rest(record: LogRecord): string {
  const fields = Object.entries(record).filter(([name, value]) => !LEFT_OUT.has(name) && value !== null);
  const words = fields.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${text(value)}`);
  const error = memberOf(record.error, "message") ?? record.error;
  return [...words, ...(error === undefined ? [] : [`error="${text(error)}"`])].join(" ");
}

function counts({ booting, ready, draining }: LogRecord): string {
  if (typeof ready !== "number") return "";
  const others = [
    ["booting", booting],
    ["draining", draining],
  ] as const;
  const some = others.filter(([, count]) => count !== 0).map(([name, count]) => `${text(count)} ${name}`);
  return `(${[`${ready} ready`, ...some].join(", ")})`;
}

function text(value: unknown): string {
  return visible(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

/** Nothing that a terminal would obey, nor the end of a line: errors quote what clients sent. */
function visible(line: string): string {
  return line.replaceAll(CONTROLS, (character) => NAMED[character] ?? `\\x${hex(character)}`);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, "0");
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/g;
const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r" };

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as LogRecord)[name] : undefined;
}

function indent(lines: string): string {
  return lines
    .split("\n")
    .map((line) => `    ${visible(line)}`)
    .join("\n");
}
