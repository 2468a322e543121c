/** The server's structured log as a test sees it: records in their order, and a wait for one that may still come. */

/** One line of the log; `level` is pino's number: 30 info, 40 warn, 50 error, 60 fatal. */
export interface LogRecord {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly role?: string;
  readonly slot?: number;
  readonly generation?: number;
  readonly pid?: number;
  readonly [field: string]: unknown;
}

/** A message, fields that must have these values, or a condition. */
export type RecordMatch = string | Readonly<Record<string, unknown>> | ((record: LogRecord) => boolean);

export interface WaitOptions {
  /** Records before this place do not count: a value of `LogRecords.length` taken earlier. Default 0. */
  readonly from?: number;
  /** Which of the matching records, counted from 1. */
  readonly nth?: number;
  /** 45 000: nothing that is waited for takes long, but a machine may have much else to do. */
  readonly timeoutMs?: number;
}

interface Waiter {
  check(): void;
  fail(reason: string): void;
}

/** Every record so far, and everything else that was written to the same stream. */
export class LogRecords {
  readonly records: LogRecord[] = [];
  /** Lines that are no records. */
  readonly otherLines: string[] = [];
  #rest = "";
  #ended: string | undefined;
  readonly #waiters = new Set<Waiter>();

  /** The place after the last record: what is logged from now on is at or after it. */
  get length(): number {
    return this.records.length;
  }

  /** Takes the next piece of the stream. */
  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
    for (const waiter of this.#waiters) waiter.check();
  }

  /** Nothing comes any more; whoever still waits is told `reason`. */
  end(reason: string): void {
    if (this.#rest !== "") this.push("\n");
    this.#ended = reason;
    for (const waiter of this.#waiters) waiter.fail(reason);
  }

  /** The matching records, in order. */
  all(match: RecordMatch, from = 0): LogRecord[] {
    return this.records.slice(from).filter((record) => isMatch(record, match));
  }

  /** Resolves with a matching record that is there or will come; rejects when none came in time or can come. */
  wait(match: RecordMatch, { from = 0, nth = 1, timeoutMs = 45_000 }: WaitOptions = {}): Promise<LogRecord> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        finish();
      };
      const waiter: Waiter = {
        check: () => {
          const record = this.all(match, from)[nth - 1];
          if (record !== undefined) settle(() => resolve(record));
        },
        fail: (reason) =>
          settle(() => reject(new Error(`no record ${describeMatch(match)}: ${reason}\n${this.#text()}`))),
      };
      const timer = setTimeout(() => waiter.fail(`not in ${timeoutMs} ms`), timeoutMs);
      this.#waiters.add(waiter);
      waiter.check();
      if (this.#ended !== undefined && this.#waiters.has(waiter)) waiter.fail(this.#ended);
    });
  }

  #line(line: string): void {
    const record = parseRecord(line);
    if (record !== undefined) this.records.push(record);
    else if (line !== "") this.otherLines.push(line);
  }

  #text(): string {
    const lines = this.records.map(({ level, time, ...fields }) => `${level} ${time} ${JSON.stringify(fields)}`);
    return ["the log:", ...lines.slice(-60), ...this.otherLines.slice(-40)].join("\n  ");
  }
}

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value = JSON.parse(line) as LogRecord;
    return typeof value.msg === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a record is what was asked for. */
export function isMatch(record: LogRecord, match: RecordMatch): boolean {
  if (typeof match === "string") return record.msg === match;
  if (typeof match === "function") return match(record);
  return Object.entries(match).every(([field, value]) => record[field] === value);
}

function describeMatch(match: RecordMatch): string {
  return typeof match === "function" ? `with ${match.toString()}` : JSON.stringify(match);
}
