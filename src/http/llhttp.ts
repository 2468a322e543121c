/**
 * llhttp, the parser of Node itself, in one WebAssembly memory for all connections: one parser and one input buffer,
 * into which sockets read. A connection in the middle of a message keeps the parser's state as a copy of its 64 bytes,
 * so that nothing is allocated in that memory after the start and it never grows. No lenient flag is ever set.
 */

import wasm from "undici/lib/llhttp/llhttp_simd-wasm.js";
import { SHIFT, spanRecorder } from "./span-recorder.ts";
import { Instance, Module } from "./web-assembly.ts";

/**
 * What llhttp says of a message, as offsets into `INPUT`; where the parts of a head stand is in `NOTES`. Each returns 0 to
 * go on, `PAUSE`, or `FAIL`.
 */
export interface LlhttpListener {
  /** `keepsAlive`: whether the connection may serve another request. */
  onHeadersComplete(keepsAlive: boolean): number;
  onBody(start: number, end: number): number;
  onTrailerName(start: number, end: number): number;
  onTrailerValue(): number;
}

/** HPE_OK, HPE_PAUSED, HPE_PAUSED_UPGRADE, HPE_USER (a name or a value failed), and errors with a status of their own. */
export const OK = 0;
export const FAIL = -1;
export const PAUSE = 21;
export const PAUSED_UPGRADE = 22;
export const USER = 24;
export const INVALID_METHOD = 6;
export const INVALID_VERSION = 9;
export const HTTP2_PREFACE = 23;

/** Where bytes have to stand to be parsed. Shared by all connections: what it holds is valid for one turn. */
export const INPUT_SIZE = 65_536;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  llhttp_alloc(type: number): number;
  malloc(size: number): number;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_resume(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
}

const REQUEST = 1;
const STATE_SIZE = 64;

let listener: LlhttpListener;
/** Where `INPUT` begins in the memory; known after the functions that need it have been made. */
let input = 0;

const recorder = spanRecorder(
  (at, length) => listener.onTrailerName(at - input, at - input + length),
  () => listener.onTrailerValue(),
);

/** Where the parts of the head stand that is being parsed: see `span-recorder.ts`. */
export const NOTES = recorder.notes;

const callbacks = {
  wasm_on_message_begin: () => OK,
  wasm_on_url: recorder.url,
  wasm_on_status: () => OK,
  wasm_on_header_field: recorder.field,
  wasm_on_header_value: recorder.value,
  wasm_on_headers_complete: (_: number, _status: number, _upgrade: number, keepsAlive: number) =>
    listener.onHeadersComplete(keepsAlive !== 0),
  wasm_on_body: (_: number, at: number, length: number) => listener.onBody(at - input, at - input + length),
  wasm_on_message_complete: () => PAUSE,
};

const llhttp = new Instance(new Module(wasm), { env: callbacks }).exports as Exports;
const parser = llhttp.llhttp_alloc(REQUEST);
input = llhttp.malloc(INPUT_SIZE);

export const INPUT = Buffer.from(llhttp.memory.buffer, input, INPUT_SIZE) as Buffer & {
  /** Not in Node's types; `toString` comes to it on a longer way. */
  latin1Slice(start: number, end: number): string;
};
/** The same, to look at four bytes at once. */
export const BYTES = new DataView(llhttp.memory.buffer, input, INPUT_SIZE);
const state = new Uint8Array(llhttp.memory.buffer, parser, STATE_SIZE);
const fresh = state.slice();

/** Bytes of `INPUT` as a string, one character a byte; "" when they end before they begin. */
export function slice(start: number, end: number): string {
  return start < end ? INPUT.latin1Slice(start, end) : "";
}

/** Whoever is told; one at a time. */
export function listenWith(to: LlhttpListener): void {
  listener = to;
}

/** The parser is at the beginning of a message. */
export function begin(): void {
  state.set(fresh);
}

/** The parser is where it was when `saveState` was called. */
export function restoreState(saved: Uint8Array): void {
  state.set(saved);
}

export function saveState(into: Uint8Array | undefined): Uint8Array {
  if (into === undefined) return state.slice();
  into.set(state);
  return into;
}

/** From here on offsets into `INPUT` are noted with `shift` added. */
export function shiftNotes(shift: number): void {
  NOTES[SHIFT] = shift - input;
}

/** Parses `INPUT` from `start` to `end`. Returns an error number of llhttp. */
export function execute(start: number, end: number): number {
  return llhttp.llhttp_execute(parser, input + start, end - start);
}

/** Where in `INPUT` the last `execute` stopped, when it did not return `OK`. */
export function stoppedAt(): number {
  return llhttp.llhttp_get_error_pos(parser) - input;
}

/** After `PAUSE`: the next `execute` goes on. */
export function resume(): void {
  llhttp.llhttp_resume(parser);
}
