/**
 * How much of requests' bodies may wait in this worker for Python, all taken together. Whoever takes bodies in has a share
 * each, asks before every piece, and gives back when the body has gone on or nobody wants it any more.
 */

export class BodyBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Nothing more is to be taken in: a piece that is on its way may go beyond. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  share(): BodyShare {
    return new BodyShare((bytes) => (this.#left -= bytes));
  }
}

export class BodyShare {
  readonly #take: (bytes: number) => void;
  #bytes = 0;

  constructor(take: (bytes: number) => void) {
    this.#take = take;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#take(bytes);
  }

  /** Gives all of it back; again does nothing. */
  release(): void {
    this.#take(-this.#bytes);
    this.#bytes = 0;
  }
}
