/**
 * Bytes that a process writes, cut into lines. Any bytes will do: what is no UTF-8 becomes U+FFFD, and a line that is too
 * long comes in several parts. Nothing is lost but the line feeds, with a carriage return before them.
 */

/** A line, or a part of one. */
export interface OutputLine {
  readonly text: string;
  /** The line goes on in the next one. */
  readonly isPart: boolean;
}

/** The longest part of a line, in bytes. */
const LONGEST = 16_384;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export class OutputLines {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** The next line, or part of one; undefined when none is whole. */
  next(): OutputLine | undefined {
    const end = this.#rest.subarray(0, LONGEST + 1).indexOf(LINE_FEED);
    if (end !== -1) {
      const line = this.#take(end + 1).subarray(0, end);
      const hasReturn = line.at(-1) === CARRIAGE_RETURN;
      return { text: (hasReturn ? line.subarray(0, -1) : line).toString(), isPart: false };
    }
    if (this.#rest.length <= LONGEST) return undefined;
    return { text: this.#take(wholeCharacters(this.#rest, LONGEST)).toString(), isPart: true };
  }

  /** What is left when nothing comes any more. */
  last(): OutputLine | undefined {
    return this.#rest.length === 0 ? undefined : { text: this.#take(this.#rest.length).toString(), isPart: false };
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }
}

/** At most `bytes`, without the beginning of a character that goes on behind them. */
function wholeCharacters(buffer: Buffer, bytes: number): number {
  let end = bytes;
  while (end > bytes - 4 && isContinuation(buffer[end])) end--;
  return isContinuation(buffer[end]) ? bytes : end;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
