/** The WebAssembly build of llhttp that undici ships, as bytes. */
declare module "undici/lib/llhttp/llhttp_simd-wasm.js" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
