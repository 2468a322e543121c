/**
 * A WSGI application as this worker serves it: requests wait here, in their order, and each thread of the interpreter is
 * given one at a time. An interpreter that ends fails what it was at, and nothing else: whoever waits is served by
 * another, while the worker leaves.
 */

import { type Application, type Body, type Environ, type StartResponse, withoutQuery } from "../../gateway/index.ts";
import type { RequestInFlight } from "../../hung-account.ts";
import type { PythonOrder } from "./python-order.ts";
import type { PythonAccount } from "../../python-account.ts";
import type { BodyBudget } from "./body-budget.ts";
import { collectInput } from "./collect-input.ts";
import { Interpreter } from "./interpreter.ts";
import { type FirstInput, PythonCall } from "./python-call.ts";
import type { PythonEnd } from "./python-end.ts";
import { deathFailure, type FailedPython, hungFailure, type PythonFailure } from "./python-failure.ts";
import { PythonWatch, type Watched } from "./python-watch.ts";
import type { ChannelEvents, ThreadChannel } from "./thread-channel.ts";

export type HostEvents = Omit<ChannelEvents, "free">;

export class PythonHost {
  readonly application: Application;
  /** Told when the interpreter is hung and is killed, or has ended by itself: the worker is to be replaced. */
  whenFailed: (failure: PythonFailure) => void = () => {};
  /** Told when all threads have been at it for a while, and when one has time again. */
  whenBusy: (isBusy: boolean) => void = () => {};
  readonly #order: PythonOrder;
  readonly #events: HostEvents;
  readonly #bodies: BodyBudget;
  #interpreter: Interpreter | undefined;
  /**
   * The channels that can be given another call, the one that has been for the longest first: the last one's thread may
   * still be closing what it has answered with.
   */
  readonly #open = new Set<ThreadChannel>();
  #waiting: PythonCall[] = [];
  #isWatched = false;
  #isBusy = false;
  #isQuitting = false;
  /** It is asked where it hangs. */
  #isAsked = false;
  /** From when it is told until it has gone. */
  #hung: PythonFailure | undefined;
  readonly #watch: PythonWatch;

  /** @param bodies what the bodies of requests that wait have in common with those of other applications */
  constructor(order: PythonOrder, events: HostEvents, bodies: BodyBudget) {
    this.#order = order;
    this.#events = events;
    this.#bodies = bodies;
    this.#watch = new PythonWatch(order.timeoutMs, order.lookEveryMs);
    this.application = (environ, startResponse) => this.#call(environ, startResponse);
  }

  /** Its interpreter's resident memory. */
  get rssBytes(): number {
    return this.#interpreter?.rssBytes ?? 0;
  }

  get interpreter(): Interpreter | undefined {
    return this.#interpreter;
  }

  /** Starts the interpreter and loads the application. Rejects with what keeps it from that. */
  async start(): Promise<void> {
    const interpreter = new Interpreter(this.#order, {
      free: (channel) => this.#freed(channel),
      wrote: (text, environ) => this.#events.wrote(text, environ),
      failedLate: (error, environ) => this.#events.failedLate(error, environ),
    });
    this.#interpreter = interpreter;
    await interpreter.load();
    void interpreter.ended.then((end) => this.#ended(interpreter, end));
    for (const channel of interpreter.channels) this.#freed(channel);
  }

  /** Looks whether Python still gets on: called every so often. */
  async look(): Promise<void> {
    const interpreter = this.#interpreter;
    if (this.#order.timeoutMs === 0 || interpreter === undefined) return;
    const watched = watchedOf(interpreter);
    this.#watch.begin(performance.now(), watched);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#interpreter !== interpreter || this.#isAsked || this.#isQuitting) return;
    const now = performance.now();
    const silentMs = this.#watch.hungFor(now, watched);
    if (silentMs === undefined) return;
    this.#isAsked = true;
    const stacks = await interpreter.stacks();
    // It may have ended meanwhile, by itself.
    if (this.#interpreter !== interpreter) return;
    this.#hung = hungFailure(this.#facts(interpreter), silentMs + performance.now() - now, stacks);
    this.whenFailed(this.#hung);
    interpreter.kill();
  }

  /** What its threads are at, for somebody who asks; undefined where no interpreter runs. */
  async account(): Promise<PythonAccount | undefined> {
    const interpreter = this.#interpreter;
    if (interpreter?.pid === undefined) return undefined;
    const { pid } = interpreter;
    const requests = this.#inPython(interpreter);
    const stacks = await interpreter.stacks();
    const { threads = null, idle = 0, withClient = 0 } = stacks ?? {};
    return { application: this.#order.text, pid, threads, idle, withClient, requests };
  }

  /** Lets Python finish and leave. */
  async quit(ms: number): Promise<void> {
    this.#isQuitting = true;
    await this.#interpreter?.quit(ms);
  }

  #call(environ: Environ, startResponse: StartResponse): Body | Promise<Body> {
    if (environ.CONTENT_LENGTH === undefined && environ.HTTP_TRANSFER_ENCODING === undefined)
      return this.#queue(environ, NO_INPUT, startResponse);
    return collectInput(environ, this.#order.windowBytes, this.#bodies).then((input) =>
      this.#queue(environ, input, startResponse),
    );
  }

  #queue(environ: Environ, input: FirstInput, startResponse: StartResponse): Promise<Body> {
    return new Promise((resolve, reject) => {
      const call = new PythonCall(environ, input, startResponse, resolve, reject);
      const [channel] = this.#open;
      if (channel !== undefined) return this.#begin(channel, call);
      this.#waiting.push(call);
      if (this.#interpreter === undefined) void this.#revive();
    });
  }

  #begin(channel: ThreadChannel, call: PythonCall): void {
    channel.begin(call);
    if (channel.size >= this.#depth) this.#open.delete(channel);
    if (!this.#isWatched) this.#watchBusy();
  }

  /** A channel has come to the end of a call. */
  #freed(channel: ThreadChannel): void {
    this.#open.add(channel);
    while (this.#waiting.length > 0 && channel.size < this.#depth) {
      const call = this.#waiting.shift() as PythonCall;
      // Nobody waits for it any more; looked at only where that is likely, because asking makes a signal.
      if (performance.now() - call.queuedAt > LIKELY_LEFT_MS && call.environ["gateway.signal"].aborted) call.end();
      else this.#begin(channel, call);
    }
    if (this.#isBusy && channel.size === 0) this.whenBusy((this.#isBusy = false));
  }

  /** A thread alone may have its next requests at hand; with several, another may be free before it is. */
  get #depth(): number {
    return this.#order.threads === 1 ? AT_HAND : 1;
  }

  /** From now on until a thread is free: connections that come would wait, while another worker may have time. */
  #watchBusy(): void {
    this.#isWatched = true;
    setTimeout(() => {
      this.#isWatched = false;
      const channels = this.#interpreter?.channels ?? [];
      if (this.#isBusy || this.#isQuitting || channels.some(({ call }) => call === undefined)) return;
      const now = performance.now();
      if (channels.some(({ call }) => call === undefined || now - call.begunAt < BUSY_MS)) return this.#watchBusy();
      this.whenBusy((this.#isBusy = true));
    }, BUSY_MS).unref();
  }

  #ended(interpreter: Interpreter, end: PythonEnd): void {
    if (this.#interpreter !== interpreter) return;
    const failure = this.#hung ?? deathFailure(this.#facts(interpreter), end);
    const isTold = this.#hung !== undefined || this.#isQuitting;
    this.#interpreter = undefined;
    this.#isAsked = false;
    this.#hung = undefined;
    this.#open.clear();
    if (!isTold) this.whenFailed(failure);
    this.#waiting.unshift(...interpreter.channels.flatMap((channel) => channel.fail(failure.error)));
    if (this.#waiting.length > 0) void this.#revive();
  }

  /** For the requests that this worker still has, while another takes its place. */
  async #revive(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      this.#interpreter = undefined;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const call of waiting) call.failed(error as Error);
    }
  }

  #facts(interpreter: Interpreter): FailedPython {
    const { pid: interpreterPid } = interpreter;
    return { application: this.#order.text, interpreterPid, requests: this.#inPython(interpreter) };
  }

  #inPython({ channels }: Interpreter): RequestInFlight[] {
    const now = performance.now();
    return channels.flatMap(({ call }) => {
      if (call === undefined) return [];
      const { REQUEST_METHOD: method, REQUEST_URI: target } = call.environ;
      return [{ method, path: withoutQuery(target), ageMs: Math.round(now - call.queuedAt) }];
    });
  }
}

function watchedOf({ channels, control }: Interpreter): Watched {
  return {
    get calls() {
      return channels.map(({ call }) => call);
    },
    answers: (now, patienceMs) => control.answers(now, patienceMs),
    postpone: (ms) => control.postpone(ms),
  };
}

const NO_INPUT: FirstInput = { bytes: undefined, isWhole: true };
const LIKELY_LEFT_MS = 50;
/** Calls that a thread alone is given before their turn. */
const AT_HAND = 4;
/** All threads at one request each for so long: then a worker stops accepting, which costs a millisecond. */
const BUSY_MS = 50;
