/** What `faulthandler` writes: the stacks of an interpreter's threads when it is asked, and when it crashes. */

import type { Readable } from "node:stream";

/** How long a dump may take, and how long nothing more has to come for it to be whole. */
const DUMP_MS = 2000;
const QUIET_MS = 100;
const LOOK_EVERY_MS = 20;
const MOST_CHARACTERS = 65_536;

export class StackDumps {
  #text = "";
  #lastAt = 0;
  #asking: Promise<string> | undefined;

  constructor(stream: Readable) {
    stream.on("error", () => {});
    stream.on("data", (data: Buffer) => {
      this.#lastAt = performance.now();
      if (this.#text.length < MOST_CHARACTERS) this.#text += data.toString("utf8");
    });
  }

  /** What nobody has asked for: its last words. */
  get rest(): string {
    return this.#text;
  }

  /** One dump; empty when none comes. Who asks meanwhile gets the same. @param send asks for it; false: there is nobody */
  ask(send: () => boolean): Promise<string> {
    this.#asking ??= this.#ask(send).finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(send: () => boolean): Promise<string> {
    this.#text = "";
    const askedAt = performance.now();
    if (!send()) return "";
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const now = performance.now();
      const isWhole = this.#text !== "" && now - this.#lastAt > QUIET_MS;
      if (isWhole || now - askedAt > DUMP_MS) break;
    }
    const text = this.#text;
    this.#text = "";
    return text;
  }
}
