/** Cuts a stream of text into lines. A line that is longer than allowed ends the reading. */

export class LineReader {
  #rest = "";
  readonly #longest: number;

  /** @param longest characters a line may have */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The lines that `text` completes, without their line feeds; undefined when one is too long. */
  push(text: string): string[] | undefined {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return [this.#rest, ...lines].some((line) => line.length > this.#longest) ? undefined : lines;
  }
}
