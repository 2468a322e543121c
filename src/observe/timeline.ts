/** What has happened lately, newest last: as much as is worth keeping, and what repeats itself told once. */

/** What can happen. */
export type EventType =
  | "started"
  | "reload started"
  | "reload done"
  | "reload failed"
  | "boot failed"
  | "crashed"
  | "uncaught exception"
  | "application error"
  | "hung"
  | "interpreter died"
  | "killed"
  | "replaced"
  | "scaled"
  | "degraded"
  | "recovered";

export interface TimelineEvent {
  /** Milliseconds since 1970; of the newest where it happened several times. */
  readonly at: number;
  readonly type: EventType;
  /** How often it happened, one after the other. */
  readonly times: number;
  readonly slot?: number;
  readonly pid?: number;
  readonly generation?: number;
  /** Why: the cause of an end, the reason of a replacement. */
  readonly why?: string;
  /** Which request failed: method and path. */
  readonly request?: string;
  readonly error?: string;
  readonly stack?: string;
  readonly code?: number;
  readonly signal?: string;
  /** How many workers are wanted. */
  readonly target?: number;
  /** The slots that are degraded. */
  readonly slots?: readonly number[];
  readonly tookMs?: number;
}

const MOST_EVENTS = 100;
/** Errors that each concern one request are many; they leave room for what concerns workers. */
const MOST_APPLICATION_ERRORS = 20;
const LONGEST_STACK = 4096;
const LONGEST_ERROR = 1024;
/** Among so many of the newest a repetition is looked for. */
const REPEATS_WITHIN = 16;

export class Timeline {
  #events: TimelineEvent[] = [];

  get events(): readonly TimelineEvent[] {
    return this.#events;
  }

  add(event: Omit<TimelineEvent, "times">): void {
    const before = this.#events.slice(-REPEATS_WITHIN).find((known) => isRepetition(known, event));
    if (before !== undefined) this.#events = this.#events.filter((known) => known !== before);
    const { error, stack } = event;
    const texts = {
      ...(error === undefined ? {} : { error: error.slice(0, LONGEST_ERROR) }),
      ...(stack === undefined ? {} : { stack: stack.slice(0, LONGEST_STACK) }),
    };
    this.#events.push({ ...event, ...texts, times: (before?.times ?? 0) + 1 });
    if (event.type === "application error") this.#thinOut();
    if (this.#events.length > MOST_EVENTS) this.#events.shift();
  }

  #thinOut(): void {
    const errors = this.#events.filter(({ type }) => type === "application error");
    if (errors.length > MOST_APPLICATION_ERRORS) this.#events = this.#events.filter((event) => event !== errors[0]);
  }
}

/** The same happened in the same slot for the same reason; the same error of a request in whatever slot. */
function isRepetition(known: TimelineEvent, event: Omit<TimelineEvent, "times">): boolean {
  if (event.type === "application error" && known.type === event.type)
    return known.error === event.error?.slice(0, LONGEST_ERROR);
  if (event.slot === undefined || known.type !== event.type || known.slot !== event.slot) return false;
  return known.why === event.why && known.error === event.error?.slice(0, LONGEST_ERROR);
}
