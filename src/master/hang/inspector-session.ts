/** Questions to a worker's inspector and their answers (Chrome DevTools Protocol), over any channel. */

import type { MessageChannel } from "./message-channel.ts";

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class InspectorSession {
  readonly #channel: MessageChannel;
  readonly #pending = new Map<number, Pending>();
  #ended: Error | undefined;
  #newest = 0;

  constructor(channel: MessageChannel) {
    this.#channel = channel;
    channel.onMessage((text) => this.#take(text));
    channel.onEnd((error) => this.end(error));
  }

  /** Resolves with the answer's result; rejects with the inspector's error, or when the channel ends before. */
  async call(method: string, params: object): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = ++this.#newest;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#channel.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Whoever waits is told `error`. */
  end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#channel.close();
    for (const { reject } of this.#pending.values()) reject(error);
  }

  #take(text: string): void {
    const answer = parseAnswer(text);
    const pending = answer && this.#pending.get(answer.id);
    if (answer === undefined || pending === undefined) return;
    this.#pending.delete(answer.id);
    if (answer.error === undefined) pending.resolve(answer.result);
    else pending.reject(new Error(answer.error.message ?? "the inspector refused"));
  }
}

function parseAnswer(text: string): Answer | undefined {
  try {
    const answer = JSON.parse(text) as Answer | null;
    return typeof answer?.id === "number" ? answer : undefined;
  } catch {
    return undefined;
  }
}
