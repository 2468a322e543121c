/**
 * The lines of the access log on their way to their target: gathered, written in the background, half a second old at
 * the most. A target that is slow, full or gone holds nobody up: what does not fit into the queue is dropped and
 * counted, which is told once, and again when lines are written anew. Each line is written whole, and once.
 */

import fs from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { hasCode } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { closeTarget, type LogPlace, type LogTarget, openTarget, tailOf } from "./log-target.ts";

export interface AccessLogEvents {
  /** Lines cannot be written, and wait or are dropped. Told once until `recovered`. */
  failed(problem: string): void;
  /** Every line that waited has been written; `dropped` were lost since `failed`. */
  recovered(dropped: number): void;
  /** The end has come, and so many lines were not written since `failed`. */
  lost(dropped: number): void;
}

const FLUSH_MS = 500;
const GATHER_BYTES = 2048;
const CHUNK_BYTES = 65_536;
/** What may wait for a slow target. */
const QUEUE_BYTES = 4 * 1024 ** 2;
const RETRY_MS = 1000;
const RETRY_FULL_PIPE_MS = 50;
const LINE_FEED = 10;
const END_OF_LINE = Buffer.from("\n");
const NOTHING: Buffer = Buffer.alloc(0);

const write = promisify(fs.write);

export class AccessLog {
  readonly #place: LogPlace;
  readonly #events: AccessLogEvents;
  #target: LogTarget | undefined;
  /** The last lines, and those before them that are on their way to the queue. */
  #gathered = "";
  #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #chunkBytes = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #isFlushDue = false;
  /** Full chunks, but for the first: what comes while others wait is not worth a write of its own. */
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** How much of the queue the system is writing at this moment. */
  #bytesUnderWay = 0;
  /** The beginning of a line, which is written; its rest is first in the queue. */
  #torn: Buffer = NOTHING;
  /** A write has failed: this process or another may have left a line without its end in the file. */
  #mayEndMidLine = false;
  #hasFailed = false;
  #dropped = 0;
  #isWorking = false;
  readonly #awaitsReopening: (() => void)[] = [];
  readonly #awaitsEmptiness: (() => void)[] = [];

  constructor(place: LogPlace, events: AccessLogEvents) {
    this.#place = place;
    this.#events = events;
  }

  /** Opens the place before there is a line. Again and again to no effect. */
  open(): void {
    this.#work();
  }

  /** Adds a line, which ends with its line feed and is one character a byte. */
  add(line: string): void {
    this.#gathered += line;
    if (this.#gathered.length > GATHER_BYTES) this.#gather();
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /**
   * Opens the file anew, after it was moved away. Resolves when nothing is written to the old one any more; at once
   * when the new one cannot be opened, which is tried again.
   */
  async reopen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#awaitsReopening.push(resolve);
      this.#work();
    });
  }

  /** Resolves when all lines are written, which may be never. */
  async written(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#awaitsEmptiness.push(resolve);
      this.#flush();
    });
  }

  /** At the very end of the process: writes what is left, as far as the target takes it at once. */
  writeRest(): void {
    this.#gather();
    const all = Buffer.concat([...this.#queue, this.#chunk.subarray(0, this.#chunkBytes)]);
    const underWay = all.subarray(0, this.#bytesUnderWay);
    const rest = all.subarray(this.#bytesUnderWay);
    const whole = this.#mayEndMidLine ? Buffer.concat([END_OF_LINE, this.#torn, rest]) : rest;
    const written = this.#target === undefined ? rest : writeNow(this.#target, whole);
    const left = written.length > rest.length ? rest : written;
    // Nobody will know what became of what is under way; after a failure it is likely to be the next.
    const dropped = this.#dropped + linesIn(left) + (this.#hasFailed ? linesIn(underWay) : 0);
    if (dropped > 0) this.#events.lost(dropped);
  }

  /** A text of many pieces is put together while they are fresh in the processor's caches. */
  #gather(): void {
    const { length } = this.#gathered;
    if (this.#chunkBytes + length > this.#chunk.length) {
      this.#enqueue();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(length, CHUNK_BYTES));
      this.#work();
    }
    this.#chunkBytes += this.#chunk.write(this.#gathered, this.#chunkBytes, "latin1");
    this.#gathered = "";
  }

  /** Hands the chunk over as it is; whoever writes on needs another one. */
  #enqueue(): void {
    const chunk = this.#chunk.subarray(0, this.#chunkBytes);
    this.#chunkBytes = 0;
    if (this.#queuedBytes + chunk.length <= QUEUE_BYTES) {
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.length;
    } else {
      this.#fail("lines come faster than they can be written");
      this.#dropped += linesIn(chunk);
    }
  }

  /** What has been gathered is to be written, though it fills no chunk. */
  #flush(): void {
    this.#isFlushDue = true;
    this.#work();
  }

  /** Does so, when nothing else is left to write. False when there is nothing. */
  #takeGathered(): boolean {
    if (!this.#isFlushDue) return false;
    this.#isFlushDue = false;
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#gather();
    if (this.#chunkBytes === 0) return false;
    this.#enqueue();
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    return true;
  }

  /** One at a time; whoever gives it something to do calls it. */
  #work(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#workOff();
  }

  async #workOff(): Promise<void> {
    for (;;) {
      const isReady = await this.#open();
      if (!isReady) await pause(RETRY_MS, undefined, { ref: false });
      else if (this.#queue.length === 0) {
        // One who asked while the target was being opened would else wait for the next line.
        if (!this.#takeGathered() && this.#awaitsReopening.length === 0) break;
      } else await this.#writeFirst(this.#target as LogTarget);
    }
    this.#isWorking = false;
    this.#recover();
    for (const resolve of this.#awaitsEmptiness.splice(0)) resolve();
  }

  /** Opens the target where it is not open, or is to be opened anew. False when that cannot be. */
  async #open(): Promise<boolean> {
    const reopened = this.#awaitsReopening.splice(0);
    const before = this.#target;
    if (before !== undefined && reopened.length === 0) return true;
    try {
      this.#target = await openTarget(this.#place);
      // The rest of a line makes no sense without its beginning.
      if (this.#torn.length > 0) this.#dropLine();
      return true;
    } catch (error) {
      this.#target = undefined;
      this.#fail(fileProblem(error, describePlace(this.#place)));
      return false;
    } finally {
      if (before !== undefined) closeTarget(before);
      for (const resolve of reopened) resolve();
    }
  }

  async #writeFirst(target: LogTarget): Promise<void> {
    try {
      if (this.#mayEndMidLine) await this.#mend(target);
      this.#mayEndMidLine = false;
      const [first] = this.#queue;
      if (first === undefined) return;
      const piece = wholeLines(first, target.chunkBytes);
      this.#bytesUnderWay = piece.length;
      const { bytesWritten } = await write(target.fd, piece, 0, piece.length, null);
      this.#written(bytesWritten, piece);
    } catch (error) {
      const isFull = hasCode(error, "EAGAIN");
      if (!isFull) this.#fail(fileProblem(error, describePlace(this.#place)));
      this.#mayEndMidLine ||= !isFull;
      this.#bytesUnderWay = 0;
      await pause(isFull ? RETRY_FULL_PIPE_MS : RETRY_MS, undefined, { ref: false });
    }
  }

  /**
   * Room for the rest of a line may come when others have written behind its beginning: then it is written anew, whole.
   * What somebody else has begun is ended first, so that it does not spoil a line of ours.
   */
  async #mend(target: LogTarget): Promise<void> {
    const tail = await tailOf(target, Math.max(1, this.#torn.length));
    if (tail === undefined || (this.#torn.length > 0 && tail.equals(this.#torn))) return;
    this.#putBackTorn();
    if (tail.length > 0 && tail.at(-1) !== LINE_FEED) await write(target.fd, END_OF_LINE);
  }

  #written(bytes: number, piece: Buffer): void {
    this.#bytesUnderWay = 0;
    const begun = piece.subarray(piece.subarray(0, bytes).lastIndexOf(LINE_FEED) + 1, bytes);
    const goesOn = begun.length === bytes;
    this.#torn = goesOn ? Buffer.concat([this.#torn, begun]) : begun;
    this.#forget(bytes);
  }

  #putBackTorn(): void {
    this.#queue[0] = Buffer.concat([this.#torn, this.#queue[0] ?? NOTHING]);
    this.#queuedBytes += this.#torn.length;
    this.#torn = NOTHING;
  }

  #forget(bytes: number): void {
    const [first] = this.#queue;
    if (first === undefined) return;
    this.#queuedBytes -= bytes;
    if (bytes >= first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(bytes);
  }

  #dropLine(): void {
    this.#torn = NOTHING;
    this.#dropped++;
    this.#forget((this.#queue[0]?.indexOf(LINE_FEED) ?? -1) + 1);
  }

  #fail(problem: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#events.failed(problem);
  }

  #recover(): void {
    if (!this.#hasFailed) return;
    this.#events.recovered(this.#dropped);
    this.#hasFailed = false;
    this.#dropped = 0;
  }
}

/** As many whole lines as fit into `bytes`, or the first alone where that is longer. */
function wholeLines(chunk: Buffer, bytes: number): Buffer {
  if (chunk.length <= bytes) return chunk;
  const last = chunk.lastIndexOf(LINE_FEED, bytes - 1);
  return chunk.subarray(0, (last === -1 ? chunk.indexOf(LINE_FEED) : last) + 1);
}

function linesIn(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

/** Returns what could not be written. */
function writeNow({ fd, chunkBytes }: LogTarget, bytes: Buffer): Buffer {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(fs.writeSync(fd, wholeLines(rest, chunkBytes)));
  } catch {
    // A full disk or pipe: nothing can wait any more.
  }
  return rest;
}

function describePlace(place: LogPlace): string {
  return "file" in place ? place.file : "standard output";
}
