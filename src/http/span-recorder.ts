/**
 * Notes where the parts of a head stand. llhttp tells of each name and each value, some thirty times a head, and a call out
 * of WebAssembly into JavaScript costs half of what llhttp needs to find one: so a module of WebAssembly takes the notes, and
 * JavaScript reads them when the head is complete. Trailers, which are rare, are told to JavaScript at once.
 */

import { MOST_FIELDS } from "./limits.ts";
import { assemble, type Code, wasm } from "./wasm-assembler.ts";

/** Told of a trailer: where in llhttp's memory its name or its value stands. Returns 0 to go on, or -1 to fail. */
export type TrailerTaker = (at: number, length: number) => number;

/** What llhttp calls for each piece of a target, a name or a value. */
export interface SpanRecorder {
  readonly url: unknown;
  readonly field: unknown;
  readonly value: unknown;
  /** The notes, as the cells below. */
  readonly notes: Int32Array;
}

/** Where the target stands. Like all places it is noted as its address plus what is in `SHIFT`. -1: it has not begun. */
export const URL_START = 0;
export const URL_END = 1;
export const SHIFT = 2;
/** How many names there are, and which part came last. */
export const COUNT = 3;
export const LAST_PART = 4;
/** 1 where fields are trailers. */
export const IS_IN_BODY = 5;
/** From here on of each header four places: its name's two and its value's two. */
export const FIELDS = 8;

/** What `LAST_PART` may hold. */
export const NO_PART = 0;
export const NAME = 1;
export const VALUE = 2;

const OK = 0;
const FAIL = -1;
/** Parameters of the recorder's functions. */
const AT = 1;
const LENGTH = 2;
const TRAILER_NAME = 0;
const TRAILER_VALUE = 1;

const { add, call, equal, get, isNegative, load, number, scaled, store, when, answer } = wasm;

const cell = (index: number): Code => load(number(0), index);
const setCell = (index: number, value: Code): Code => store(number(0), index, value);
const begin = add(get(AT), cell(SHIFT));
const end = add(begin, get(LENGTH));
const FIELD_CELLS = 4;
/** Of the header that comes next, and of the one that came last. */
const setNext = (place: number, value: Code): Code => store(scaled(cell(COUNT), FIELD_CELLS), FIELDS + place, value);
const setLast = (place: number, value: Code): Code => setNext(place - FIELD_CELLS, value);

const url: Code = [
  ...when(isNegative(cell(URL_START)), setCell(URL_START, begin)),
  ...setCell(URL_END, end),
  ...number(OK),
];

const field: Code = [
  ...when(cell(IS_IN_BODY), answer(call(TRAILER_NAME, get(AT), get(LENGTH)))),
  ...when(equal(cell(LAST_PART), number(NAME)), [...setLast(1, end), ...answer(number(OK))]),
  ...when(equal(cell(COUNT), number(MOST_FIELDS)), answer(number(FAIL))),
  ...setNext(0, begin),
  ...setNext(1, end),
  ...setCell(COUNT, add(cell(COUNT), number(1))),
  ...setCell(LAST_PART, number(NAME)),
  ...number(OK),
];

const value: Code = [
  ...when(cell(IS_IN_BODY), answer(call(TRAILER_VALUE, get(AT), get(LENGTH)))),
  ...when(equal(cell(LAST_PART), number(NAME)), setLast(2, begin)),
  ...setLast(3, end),
  ...setCell(LAST_PART, number(VALUE)),
  ...number(OK),
];

/** A recorder with notes of its own. */
export function spanRecorder(trailerName: TrailerTaker, trailerValue: TrailerTaker): SpanRecorder {
  const { memory, ...functions } = assemble({
    imports: { trailerName, trailerValue },
    functions: { url, field, value },
    cells: FIELDS + FIELD_CELLS * MOST_FIELDS,
  });
  return { ...functions, notes: new Int32Array(memory.buffer) };
}
