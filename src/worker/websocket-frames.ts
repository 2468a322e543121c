/**
 * Where a stream of WebSocket frames stands (RFC 6455 section 5.2): between two frames or inside one. Frames may come in
 * pieces, cut anywhere. Heads are read byte by byte; a payload is only counted, never copied or looked at.
 */

const CLOSE = 0x8;
/** Encodings in which the length of a text does not tell how many bytes it stands for. */
const CODED = /^(?:hex|base64)/i;

export class WebSocketFrames {
  #hasClosed = false;
  /** Bytes of the frame's head that have been seen; 0 inside its payload and between two frames. */
  #seen = 0;
  #opcode = 0;
  /** Where in the head the payload's length ends, and where the head ends: after the mask, if there is one. */
  #lengthEnd = 2;
  #headEnd = 2;
  #payloadLength = 0;
  #payloadLeft = 0;

  /** No frame has begun that has not ended. */
  get isAtEdge(): boolean {
    return this.#seen === 0 && this.#payloadLeft === 0;
  }

  /** The head of a close frame has been seen: nothing is said after that one (section 5.5.1). */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  follow(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadLeft > 0) {
        const counted = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= counted;
        at += counted;
      } else {
        this.#readHead(bytes[at++] ?? 0);
      }
    }
  }

  /** The same for text that is written in `encoding`; a text that is all payload is not encoded for it. */
  followText(text: string, encoding: BufferEncoding = "utf8"): void {
    const size = this.#payloadLeft === 0 || CODED.test(encoding) ? Infinity : Buffer.byteLength(text, encoding);
    if (size <= this.#payloadLeft) this.#payloadLeft -= size;
    else this.follow(Buffer.from(text, encoding));
  }

  #readHead(byte: number): void {
    const position = this.#seen++;
    if (position === 0) {
      this.#opcode = byte & 0x0f;
    } else if (position === 1) {
      const length = byte & 0x7f;
      this.#payloadLength = length < 126 ? length : 0;
      this.#lengthEnd = length < 126 ? 2 : length === 126 ? 4 : 10;
      this.#headEnd = this.#lengthEnd + (byte & 0x80 ? 4 : 0);
    } else if (position < this.#lengthEnd) {
      this.#payloadLength = this.#payloadLength * 256 + byte;
    }
    if (position === 0 || this.#seen < this.#headEnd) return;
    if (this.#opcode === CLOSE) this.#hasClosed = true;
    this.#seen = 0;
    this.#payloadLeft = this.#payloadLength;
  }
}
