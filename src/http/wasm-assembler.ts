/**
 * As much of WebAssembly's binary format (its core specification, section 5) as `span-recorder.ts` is written in:
 * functions of 32-bit integers over a memory of their own, seen as cells of four bytes.
 */

import { Instance, Module } from "./web-assembly.ts";

export type Code = readonly number[];

/** Instructions. Those that have a value leave it on the stack. */
export const wasm = {
  get: (parameter: number): Code => [0x20, ...unsigned(parameter)],
  number: (value: number): Code => [0x41, ...signed(value)],
  add: (left: Code, right: Code): Code => [...left, ...right, 0x6a],
  equal: (left: Code, right: Code): Code => [...left, ...right, 0x46],
  isNegative: (value: Code): Code => [...value, ...wasm.number(0), 0x48],
  /** `index` times as many cells, as an address. */
  scaled: (index: Code, cells: number): Code => [...index, ...wasm.number(cells * CELL), 0x6c],
  /** The cell `cells` behind an address. */
  load: (address: Code, cells: number): Code => [...address, 0x28, ALIGNED, ...unsigned(cells * CELL)],
  store: (address: Code, cells: number, value: Code): Code => [
    ...address,
    ...value,
    0x36,
    ALIGNED,
    ...unsigned(cells * CELL),
  ],
  when: (condition: Code, then: Code): Code => [...condition, 0x04, NOTHING, ...then, 0x0b],
  call: (index: number, ...values: readonly Code[]): Code => [...values.flat(), 0x10, ...unsigned(index)],
  answer: (value: Code): Code => [...value, 0x0f],
};

/** What a module is made of. Functions take three integers, and imports, which come first in their numbering, two. */
interface Parts<Name extends string> {
  readonly imports: Readonly<Record<string, (first: number, second: number) => number>>;
  readonly functions: Readonly<Record<Name, Code>>;
  /** Of its memory. */
  readonly cells: number;
}

type Assembled<Name extends string> = Readonly<Record<Name, unknown>> & {
  readonly memory: { readonly buffer: ArrayBuffer };
};

/** Makes a module of the parts and an instance of it. */
export function assemble<Name extends string>({ imports, functions, cells }: Parts<Name>): Assembled<Name> {
  const imported = Object.keys(imports);
  const own = Object.entries<Code>(functions);
  const bytes = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, [functionType(2), functionType(3)]),
    section(
      2,
      imported.map((name) => [...text("env"), ...text(name), FUNCTION, 0]),
    ),
    section(
      3,
      own.map(() => [1]),
    ),
    section(5, [[0x00, ...unsigned(Math.ceil((cells * CELL) / PAGE))]]),
    section(7, [
      ...own.map(([name], index) => [...text(name), FUNCTION, ...unsigned(imported.length + index)]),
      [...text("memory"), MEMORY, 0],
    ]),
    section(
      10,
      own.map(([, code]) => sized([0, ...code, END])),
    ),
  ];
  const module = new Module(new Uint8Array(bytes.flat()));
  return new Instance(module, { env: imports }).exports as Assembled<Name>;
}

function functionType(parameters: number): Code {
  return [0x60, ...counted(Array.from({ length: parameters }, () => [I32])), ...counted([[I32]])];
}

function section(id: number, entries: readonly Code[]): Code {
  return [id, ...sized(counted(entries))];
}

function counted(entries: readonly Code[]): Code {
  return [...unsigned(entries.length), ...entries.flat()];
}

function sized(code: Code): Code {
  return [...unsigned(code.length), ...code];
}

function text(ascii: string): Code {
  return sized([...Buffer.from(ascii)]);
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

const CELL = 4;
const PAGE = 65_536;
const ALIGNED = 2;
const I32 = 0x7f;
const NOTHING = 0x40;
const END = 0x0b;
const FUNCTION = 0;
const MEMORY = 2;
