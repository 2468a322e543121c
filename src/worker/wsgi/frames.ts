/**
 * The frames between a worker and a thread of its Python interpreter: four bytes of length (little endian), one of kind,
 * the payload. Documented in `docs/wsgi-protocol.md`; the other end is `src/python/tsgate_wsgi/channel.py`.
 */

/** To Python. */
export const REQUEST = 0x51;
export const INPUT = 0x49;
export const CREDIT = 0x57;
export const GONE = 0x58;
export const OPENED = 0x4f;

/** From Python. */
export const REPLY = 0x52;
export const HEAD = 0x48;
export const CHUNK = 0x43;
export const END = 0x45;
export const FILE = 0x50;
export const NEED = 0x4e;
export const FAILED = 0x46;
export const ERRORS = 0x4c;
export const REPORT = 0x56;

/** Flags of a request. */
export const AS_JSON = 1;
export const HAS_MORE = 2;

const HEADER_SIZE = 5;

/** A frame's first bytes, one character a byte, so that a frame of text leaves as one string. */
export function header(kind: number, size: number): string {
  return `${number(size)}${String.fromCharCode(kind)}`;
}

/** A number of four bytes, one character a byte. */
export function number(value: number): string {
  return String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
}

/** Cuts what arrives into frames. */
export class FrameReader {
  readonly #take: (kind: number, payload: Buffer) => void;
  #pieces: Buffer[] = [];
  #have = 0;
  #need = HEADER_SIZE;

  constructor(take: (kind: number, payload: Buffer) => void) {
    this.#take = take;
  }

  push(data: Buffer): void {
    this.#have += data.length;
    if (this.#pieces.length === 0) {
      if (this.#have >= this.#need) return this.#cut(data);
    } else if (this.#have >= this.#need) {
      return this.#cut(Buffer.concat([...this.#pieces, data], this.#have));
    }
    this.#pieces.push(data);
  }

  #cut(data: Buffer): void {
    let at = 0;
    this.#need = HEADER_SIZE;
    while (data.length - at >= HEADER_SIZE) {
      const size = data.readUInt32LE(at);
      const end = at + HEADER_SIZE + size;
      if (end > data.length) {
        this.#need = HEADER_SIZE + size;
        break;
      }
      this.#take(data[at + 4] as number, data.subarray(at + HEADER_SIZE, end));
      at = end;
    }
    this.#have = data.length - at;
    this.#pieces = this.#have === 0 ? [] : [data.subarray(at)];
  }
}
