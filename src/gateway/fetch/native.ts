/**
 * Node's own fetch classes, taken before anything replaces the globals. Everything of this folder makes native objects
 * from these, so that installing the light classes changes only what applications see.
 */

export const NativeRequest = globalThis.Request;
export const NativeResponse = globalThis.Response;
export const NativeHeaders = globalThis.Headers;
export const nativeFetch = globalThis.fetch;

export type NativeBodyInit = ConstructorParameters<typeof Response>[0];
export type NativeResponseInit = NonNullable<ConstructorParameters<typeof Response>[1]>;
export type NativeRequestInput = ConstructorParameters<typeof Request>[0];
export type NativeRequestInit = NonNullable<ConstructorParameters<typeof Request>[1]>;

/** Makes `to` hold the same fields as `from`: a handed out Headers object counts, whatever native object it came from. */
export function syncHeaders(from: Headers | undefined, to: Headers): void {
  if (from === undefined || from === to) return;
  const names = [...to.keys()];
  for (const name of names) to.delete(name);
  for (const [name, value] of from) to.append(name, value);
}
