/**
 * WebAssembly that is optimised later than V8 would. llhttp is one large function, for which the optimising compiler takes
 * 30 MB, 10 of which its thread's heap never gives back, and 125 ms: as much as 40,000 requests gain by it. V8 would do
 * it at the tenth request, in Node 20 at the first; so it does at about the thousandth, which many workers never see.
 */

/** Most that the flag takes: what a function may run, roughly in bytes of it, before it is optimised. */
const LATE = 2_000_000_000;

/** What the flag is without us, by major version of Node; any other Node is left alone. */
export const USUAL: Readonly<Record<string, number>> = {
  20: 1_800_000,
  22: 13_000_000,
  24: 13_000_000,
  26: 13_000_000,
};

/** Compiles by `load` what is to be optimised late. The application's own WebAssembly is as ever. */
export async function optimisedLate<Result>(load: () => Promise<Result>): Promise<Result> {
  const usual = USUAL[process.versions.node.split(".", 1)[0] as string];
  const isGiven = process.execArgv.some((arg) => FLAG.test(arg));
  if (usual === undefined || isGiven) return await load();
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString(`--wasm-tiering-budget=${LATE}`);
  try {
    return await load();
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${usual}`);
  }
}

const FLAG = /^--wasm[-_]tiering[-_]budget\b/;
