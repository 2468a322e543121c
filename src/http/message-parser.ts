/**
 * One message after another out of the bytes that a connection has read, however they were split. llhttp does the
 * parsing; here its offsets become a head, and what it has no limit for (heads, chunk extensions, trailers) is counted.
 */

import { type KnownHead, KnownHeads } from "./known-heads.ts";
import { MOST_FIELDS } from "./limits.ts";
import * as llhttp from "./llhttp.ts";
import { type Refusal, REFUSALS } from "./refusal.ts";
import { type HeadRules, isToken, readHead, RequestHead } from "./request-head.ts";
import { COUNT, FIELDS, IS_IN_BODY, LAST_PART, NO_PART, URL_END, URL_START } from "./span-recorder.ts";
import { isForbiddenTrailer } from "./trailers.ts";

/** What a `parse` came to: all bytes are used up and more are needed; a head is there and its body follows; */
export const MORE = 0;
export const HEAD = 1;
/** a whole request without a body is there; the body that was under way is complete; no application may see it. */
export const WHOLE = 2;
export const BODY_END = 3;
export const REFUSED = 4;

/** Whose bytes they are. */
export interface BodyTaker {
  /** A piece of the body stands in `INPUT`, until this returns. */
  onBody(start: number, end: number): void;
}

/** What a connection remembers between two reads. */
export class ParseState {
  /** Whether a message has begun and is not complete. */
  isBegun = false;
  isInBody = false;
  /** The head so far. */
  text = "";
  /** What llhttp knows of it, and the buffer for that: the same, unless a head that is known has come again. */
  resumed: Uint8Array | undefined;
  saved: Uint8Array | undefined;
  /** What is noted of it. */
  notes: Int32Array | undefined;
  /** Bytes on the wire that were no body, beyond what chunks of that number need. */
  overhead = 0;
  trailers = 0;
  trailerName = "";
}

class MessageParser implements llhttp.LlhttpListener {
  /** Where in `INPUT` the next message, or the body, begins. */
  position = 0;
  head: RequestHead | undefined;
  refusal: Refusal = REFUSALS.badRequestLine;
  readonly #known = new KnownHeads();
  /** What turns an offset into `INPUT` into one into the head's text. */
  #shift = 0;
  #start = 0;
  #end = 0;
  /** Whether these bytes are of a body: for the whole of a `parse`, whatever its connection makes of them meanwhile. */
  #isInBody = false;
  #state: ParseState;
  #rules: HeadRules | undefined;
  #taker: BodyTaker | undefined;
  #problem: Refusal | undefined;

  constructor() {
    this.#state = new ParseState();
    llhttp.listenWith(this);
  }

  /** Parses `INPUT` from `start` to `end`, at most to the end of a head or of a message. */
  parse(state: ParseState, rules: HeadRules, taker: BodyTaker, start: number, end: number): number {
    this.#state = state;
    this.#rules = rules;
    this.#taker = taker;
    this.#start = start;
    this.#end = end;
    this.#problem = undefined;
    const known = state.isBegun ? undefined : this.#known.find(start, end, rules);
    if (known !== undefined) return this.#reread(known, state, start);
    this.#isInBody = state.isInBody;
    NOTES[IS_IN_BODY] = state.isInBody ? 1 : 0;
    if (state.isBegun) this.#restore(state);
    else this.#begin();
    this.#shift = state.text.length - start;
    llhttp.shiftNotes(this.#shift);
    const error = llhttp.execute(start, end);
    if (error === llhttp.OK) return this.#needMore(state, start, end);
    if (error !== llhttp.PAUSE && error !== llhttp.PAUSED_UPGRADE) return this.#failed(error, state, start, end);
    this.position = llhttp.stoppedAt();
    return this.#isInBody ? this.#inBody(state, start) : this.#headDone(state);
  }

  onHeadersComplete(keepsAlive: boolean): number {
    const count = NOTES[COUNT] as number;
    const headEnd = count === 0 ? (NOTES[URL_END] as number) + LINE_REST : (NOTES[FIELDS + 4 * count - 1] as number);
    const before = this.#state.text;
    const text = before + llhttp.slice(this.#start, Math.min(this.#end, headEnd - this.#shift));
    const source =
      before === ""
        ? { text, bytes: llhttp.BYTES, at: this.#start, notes: NOTES }
        : { text, bytes: put(text), at: 0, notes: NOTES };
    const head = readHead(source, this.#rules as HeadRules);
    if (!(head instanceof RequestHead)) return this.#stop(head);
    // Of two readers of a connection's end the one that expects less is right.
    if (!keepsAlive) head.keepsAlive = false;
    this.head = head;
    return head.hasBody ? llhttp.PAUSE : llhttp.OK;
  }

  onBody(start: number, end: number): number {
    this.#state.overhead -= end - start + CHUNK_FRAME;
    this.#taker?.onBody(start, end);
    return llhttp.OK;
  }

  #begin(): void {
    llhttp.begin();
    NOTES[URL_START] = -1;
    NOTES[URL_END] = -1;
    NOTES[COUNT] = 0;
    NOTES[LAST_PART] = NO_PART;
  }

  #restore(state: ParseState): void {
    llhttp.restoreState(state.resumed as Uint8Array);
    if (!this.#isInBody && state.notes !== undefined) NOTES.set(state.notes);
  }

  #needMore(state: ParseState, start: number, end: number): number {
    this.position = end;
    state.isBegun = true;
    state.saved = llhttp.saveState(state.saved);
    state.resumed = state.saved;
    if (this.#isInBody) return this.#count(state, end - start) ?? MORE;
    state.text += llhttp.slice(start, end);
    // A line that ends behind its target is HTTP/0.9's, whose clients send no more and wait.
    const count = NOTES[COUNT] as number;
    if (count === 0 && state.text.charCodeAt(NOTES[URL_END] as number) === CR)
      return this.#refuse(REFUSALS.badRequestLine);
    state.notes = NOTES.slice(0, FIELDS + 4 * count);
    const problem = this.#partialProblem(state.text.length);
    return problem === undefined ? MORE : this.#refuse(problem);
  }

  #headDone(state: ParseState): number {
    const head = this.head as RequestHead;
    const isInOneRead = state.text === "";
    state.text = "";
    state.notes = undefined;
    const outcome = this.#follow(head, state);
    if (head.hasBody) {
      llhttp.resume();
      state.saved = llhttp.saveState(state.saved);
      state.resumed = state.saved;
    }
    if (isInOneRead) {
      const after = head.hasBody ? state.saved : undefined;
      this.#known.note(this.#start, this.position, this.#rules as HeadRules, head, after);
    }
    return outcome;
  }

  /** A head that is known has come again. */
  #reread({ text, head, after }: KnownHead, state: ParseState, start: number): number {
    this.position = start + text.length;
    this.head = head;
    if (after !== undefined) {
      state.resumed = after;
    }
    return this.#follow(head, state);
  }

  /** What is behind this head. */
  #follow({ hasBody }: RequestHead, state: ParseState): number {
    state.isBegun = hasBody;
    if (!hasBody) return WHOLE;
    state.isInBody = true;
    state.overhead = 0;
    state.trailers = 0;
    return HEAD;
  }

  /** A message with a body is complete. */
  #inBody(state: ParseState, start: number): number {
    const outcome = this.#count(state, this.position - start) ?? BODY_END;
    state.isBegun = false;
    state.isInBody = false;
    return outcome;
  }

  #count(state: ParseState, bytes: number): number | undefined {
    state.overhead += bytes;
    if (state.overhead > LARGEST_OVERHEAD) return this.#refuse(REFUSALS.extensionsTooLarge);
    // What small chunks have spared is not saved up for a large extension later.
    state.overhead = Math.max(0, state.overhead);
    return undefined;
  }

  #failed(error: number, state: ParseState, start: number, end: number): number {
    return this.#refuse(this.#problem ?? this.#meaningOf(error, state, start, end));
  }

  #meaningOf(error: number, state: ParseState, start: number, end: number): Refusal {
    if (this.#isInBody) return REFUSALS.badBody;
    if (error === llhttp.USER) return REFUSALS.tooManyFields;
    if (error === llhttp.INVALID_METHOD) {
      const word = (state.text + llhttp.slice(start, Math.min(end, start + LONGEST_METHOD)))
        .trimStart()
        .split(" ", 1)[0];
      return isToken(word ?? "") ? REFUSALS.unknownMethod : REFUSALS.badRequestLine;
    }
    if (error === llhttp.HTTP2_PREFACE) return REFUSALS.unknownVersion;
    if (error === llhttp.INVALID_VERSION && OTHER_VERSION.test(state.text + llhttp.slice(start, end))) {
      return REFUSALS.unknownVersion;
    }
    const taken = state.text + llhttp.slice(start, llhttp.stoppedAt());
    return taken.indexOf("\r\n", LEADING_LINE) < 0 ? REFUSALS.badRequestLine : REFUSALS.badHeader;
  }

  /** A head that is not complete may be too large already. */
  #partialProblem(length: number): Refusal | undefined {
    const { limits } = this.#rules as HeadRules;
    const count = NOTES[COUNT] as number;
    if (limits.requestLine > 0 && count === 0 && length > limits.requestLine + LINE_ENDS) return REFUSALS.targetTooLong;
    if (limits.requestFields > 0 && count > limits.requestFields) return REFUSALS.tooManyFields;
    const last = count === 0 ? length : (NOTES[FIELDS + 4 * count - 4] as number);
    if (limits.requestFieldSize > 0 && length - last > limits.requestFieldSize + LINE_ENDS)
      return REFUSALS.fieldTooLarge;
    return length > (this.#rules as HeadRules).largestHead ? REFUSALS.headTooLarge : undefined;
  }

  onTrailerName(start: number, end: number): number {
    const state = this.#state;
    if (state.trailerName === "") {
      const { requestFields } = (this.#rules as HeadRules).limits;
      if (++state.trailers > (requestFields || MOST_FIELDS)) return this.#stop(REFUSALS.trailersTooLarge);
    }
    state.trailerName += llhttp.slice(start, end);
    return state.trailerName.length > LARGEST_OVERHEAD ? this.#stop(REFUSALS.trailersTooLarge) : llhttp.OK;
  }

  onTrailerValue(): number {
    const state = this.#state;
    const name = state.trailerName;
    state.trailerName = "";
    return name !== "" && isForbiddenTrailer(name) ? this.#stop(REFUSALS.badTrailer) : llhttp.OK;
  }

  #stop(problem: Refusal): number {
    this.#problem = problem;
    return llhttp.FAIL;
  }

  #refuse(refusal: Refusal): number {
    this.refusal = refusal;
    return REFUSED;
  }
}

/** The bytes of a head that came in pieces: in `INPUT` there is only the last. */
function put(text: string): DataView {
  PIECED.write(text, "latin1");
  return PIECED_BYTES;
}

const PIECED = Buffer.alloc(llhttp.INPUT_SIZE);
const PIECED_BYTES = new DataView(PIECED.buffer, PIECED.byteOffset, PIECED.length);
const { NOTES } = llhttp;
const OTHER_VERSION = / HTTP\/(?!1\.[01])\d\.\d/;
const CR = 13;
/** ` HTTP/1.1` and the end of the line. */
const LINE_REST = 11;
const LINE_ENDS = 4;
/** An empty line may stand before a request. */
const LEADING_LINE = 2;
const LONGEST_METHOD = 64;
/** What a chunk may need beside its bytes: sixteen digits of its size and two ends of line. */
const CHUNK_FRAME = 20;
/** What Node takes of chunk extensions, too. */
const LARGEST_OVERHEAD = 16_384;

/** The one parser of this process. */
export const parser = new MessageParser();
