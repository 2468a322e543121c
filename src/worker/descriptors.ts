/**
 * How many connections this process has descriptors for, and the word to the log when they run out. At the limit the
 * kernel's queue would be accepted and closed without a word, and the application could open no file and no socket: so
 * some are kept for it. Knows no server; one that is full asks `isFull`.
 */

import fs from "node:fs";
import { hasCode } from "../errors.ts";

/** Of the limit, this share is the application's besides what it has open already; at least so many. */
const RESERVED_SHARE = 0.05;
const LEAST_RESERVED = 16;
/** How often it is counted what is open besides connections. */
const COUNT_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 1000;

/** How many connections fit beside `others` descriptors; at least one. */
export function connectionCapacity(limit: number, others: number): number {
  return Math.max(1, limit - others - Math.max(LEAST_RESERVED, Math.ceil(limit * RESERVED_SHARE)));
}

/** Says when the limit is reached and when that is over; not again and again while it hovers there. */
export class DescriptorAlarm {
  #isRaised = false;
  #goodLooks = 0;

  /** @param isExhausted somebody was turned away since the last look, or no descriptor is left at this one */
  look(isExhausted: boolean, connections: number, capacity: number): "reached" | "recovered" | undefined {
    const hasRoom = !isExhausted && connections <= capacity * ROOM;
    this.#goodLooks = hasRoom ? this.#goodLooks + 1 : 0;
    if (!this.#isRaised && isExhausted) {
      this.#isRaised = true;
      return "reached";
    }
    if (!this.#isRaised || this.#goodLooks < LOOKS_TO_RECOVER) return undefined;
    this.#isRaised = false;
    return "recovered";
  }
}

const ROOM = 0.9;
const LOOKS_TO_RECOVER = 3;

export interface DescriptorOptions {
  /** Open connections. */
  readonly connections: () => number;
  readonly log: (level: "warn" | "info", msg: string, fields: Readonly<Record<string, unknown>>) => void;
}

export class Descriptors {
  /** How many this process may have open; undefined where the system does not tell. */
  readonly limit = descriptorLimit();
  readonly #options: DescriptorOptions;
  readonly #alarm = new DescriptorAlarm();
  #others = openDescriptors() ?? 0;
  /** Since the limit was last far away. */
  #turnedAway = 0;
  #turnedAwayBefore = 0;
  #countAt = 0;
  #lookAt = 0;

  constructor(options: DescriptorOptions) {
    this.#options = options;
  }

  /** How many connections this worker may hold. */
  get capacity(): number {
    return this.limit === undefined ? Infinity : connectionCapacity(this.limit, this.#others);
  }

  get isFull(): boolean {
    return this.#options.connections() >= this.capacity;
  }

  /** A connection was closed as soon as it came, because of this. */
  turnedAway(): void {
    this.#turnedAway++;
  }

  /** Looks around, at most once a second; `now` is milliseconds on any clock. */
  look(now: number): void {
    if (this.limit === undefined || now < this.#lookAt) return;
    this.#lookAt = now + LOOK_EVERY_MS;
    if (now >= this.#countAt) {
      this.#countAt = now + COUNT_EVERY_MS;
      this.#count();
    }
    const { connections, log } = this.#options;
    const isExhausted = this.#turnedAway > this.#turnedAwayBefore || isNoneLeft();
    this.#turnedAwayBefore = this.#turnedAway;
    const change = this.#alarm.look(isExhausted, connections(), this.capacity);
    const fields = { limit: this.limit, connections: connections(), turnedAway: this.#turnedAway };
    if (change === "reached") log("warn", "descriptor limit reached", fields);
    if (change !== "recovered") return;
    log("info", "descriptors available again", fields);
    this.#turnedAway = 0;
    this.#turnedAwayBefore = 0;
  }

  #count(): void {
    fs.readdir(DESCRIPTORS, (error, names) => {
      if (error === null) this.#others = Math.max(0, names.length - ITSELF - this.#options.connections());
    });
  }
}

const DESCRIPTORS = "/proc/self/fd";
/** The folder is open while it is read. */
const ITSELF = 1;

function openDescriptors(): number | undefined {
  try {
    return fs.readdirSync(DESCRIPTORS).length - ITSELF;
  } catch {
    return undefined;
  }
}

/** The soft limit, which Node has raised to the hard one. */
function descriptorLimit(): number | undefined {
  try {
    const limit = /^Max open files +(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "latin1"))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** Whether not a single one can be opened. */
function isNoneLeft(): boolean {
  try {
    fs.closeSync(fs.openSync("/", "r"));
    return false;
  } catch (error) {
    return hasCode(error, "EMFILE") || hasCode(error, "ENFILE");
  }
}
