/** The public API: a gateway's types, `defineApplication`, `defineConfig`, and `run` for programs that embed the server. */

export type { ConfigInput } from "./define-config.ts";
export { defineConfig } from "./define-config.ts";
export type { Hooks, WorkerInfo } from "./config/types.ts";
export * from "./gateway/index.ts";
export { run, type RunOptions } from "./run.ts";
