/**
 * llhttp, the parser of Node itself, in one WebAssembly memory for all connections: one parser and one input buffer,
 * into which sockets read. A connection in the middle of a message keeps the parser's state as a copy of its 64 bytes,
 * so that nothing is allocated in that memory after the start and it never grows. No lenient flag is ever set.
 */

import wasm from "undici/lib/llhttp/llhttp_simd-wasm.js";

/** What llhttp says of a message, as offsets into `INPUT`. Each returns 0 to go on, `PAUSE`, or -1 to fail. */
export interface LlhttpListener {
  onUrl(start: number, end: number): number;
  onField(start: number, end: number): number;
  onValue(start: number, end: number): number;
  /** `keepsAlive`: whether the connection may serve another request. */
  onHeadersComplete(keepsAlive: boolean): number;
  onBody(start: number, end: number): number;
  onMessageComplete(): number;
}

/** HPE_OK, HPE_PAUSED, HPE_PAUSED_UPGRADE, and the errors that have a status of their own. */
export const OK = 0;
export const PAUSE = 21;
export const PAUSED_UPGRADE = 22;
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

const callbacks = {
  wasm_on_message_begin: () => OK,
  wasm_on_url: (_: number, at: number, length: number) => listener.onUrl(at - input, at - input + length),
  wasm_on_status: () => OK,
  wasm_on_header_field: (_: number, at: number, length: number) => listener.onField(at - input, at - input + length),
  wasm_on_header_value: (_: number, at: number, length: number) => listener.onValue(at - input, at - input + length),
  wasm_on_headers_complete: (_: number, _status: number, _upgrade: number, keepsAlive: number) =>
    listener.onHeadersComplete(keepsAlive !== 0),
  wasm_on_body: (_: number, at: number, length: number) => listener.onBody(at - input, at - input + length),
  wasm_on_message_complete: () => listener.onMessageComplete(),
};

/** What Node's types leave out, as far as it is used here. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
const llhttp = new Instance(new Module(wasm), { env: callbacks }).exports as Exports;
const parser = llhttp.llhttp_alloc(REQUEST);
input = llhttp.malloc(INPUT_SIZE);

export const INPUT = Buffer.from(llhttp.memory.buffer, input, INPUT_SIZE) as Buffer & {
  /** Not in Node's types; `toString` comes to it on a longer way. */
  latin1Slice(start: number, end: number): string;
};
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
