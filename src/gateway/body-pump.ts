/**
 * Pulls a body and sends it, no faster than the client takes it: the next chunk is asked for when the last one has
 * been handed on. Knows how to go on after a drain and to let others have their turn; not how a call begins or ends.
 */

import type { BodyReader } from "./body.ts";
import type { ResponseWriter } from "./response-writer.ts";

/** Whose body it is. One of `completed` and `failed` is called, once. */
export interface PumpOwner {
  /** All that shall be sent has been handed to the writer. `isExcess`: the body has more than its Content-Length. */
  completed(isExcess: boolean): void;
  failed(error: unknown): void;
  /** The pump has to wait, and needs to be told of drain and disconnect. */
  watch(): void;
}

export class BodyPump {
  private readonly body: BodyReader;
  private readonly writer: ResponseWriter;
  private readonly owner: PumpOwner;
  private isStopped = false;
  private isWaiting = false;
  private burst = 0;

  constructor(body: BodyReader, writer: ResponseWriter, owner: PumpOwner) {
    this.body = body;
    this.writer = writer;
    this.owner = owner;
  }

  /** Pulls and sends until the body is through or has to wait. Never throws. */
  run(): void {
    if (this.isStopped) return;
    try {
      if (this.body.isAsync) this.pullAsync();
      else this.pullAll();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The client has taken what was written. */
  drained(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    if (this.hasTurn()) this.run();
  }

  /** Nothing is pulled or sent any more; an error of a pull that is under way still comes as `failed`. */
  stop(): void {
    this.isStopped = true;
  }

  private pullAll(): void {
    for (;;) {
      const result = this.body.pull();
      if (result === undefined) return this.complete(false);
      if (!this.send(result.value)) return undefined;
    }
  }

  private pullAsync(): void {
    this.owner.watch();
    this.body.pullAsync().then(this.onResult, this.onRejected);
  }

  private readonly onResult = (result: IteratorResult<unknown>): void => {
    if (this.isStopped) return;
    try {
      if (result.done === true) {
        this.body.exhausted();
        this.complete(false);
      } else if (this.send(result.value)) {
        this.pullAsync();
      }
    } catch (error) {
      this.fail(error);
    }
  };

  private readonly onRejected = (error: unknown): void => {
    this.body.exhausted();
    // Also when the pump is stopped: an error of the application is worth knowing even if nobody waits any more.
    this.isStopped = true;
    this.owner.failed(error);
  };

  /** Sends a chunk; true when the next one can be pulled at once. */
  private send(chunk: unknown): boolean {
    const sent = this.writer.send(chunk);
    if (sent === "enough" || sent === "excess") {
      this.complete(sent === "excess");
      return false;
    }
    this.burst += 1;
    if (sent === "more") return this.hasTurn();
    this.isWaiting = true;
    this.owner.watch();
    return false;
  }

  /**
   * False when others have to be served first; then this body goes on in the next round of the event loop. Needed
   * because a body that is always ready and a client that reads fast would never leave the loop: drains come in ticks.
   */
  private hasTurn(): boolean {
    if (this.burst < BURST_CHUNKS) return true;
    this.burst = 0;
    this.owner.watch();
    setImmediate(() => this.run());
    return false;
  }

  private complete(isExcess: boolean): void {
    this.isStopped = true;
    this.owner.completed(isExcess);
  }

  private fail(error: unknown): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.owner.failed(error);
  }
}

const BURST_CHUNKS = 64;
