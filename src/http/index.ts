/** The public face of the engine: `tsgate/http`. */

export type { BadRequest } from "./bad-request-log.ts";
export { Engine } from "./engine.ts";
export type { EngineOptions, UpgradeRequest } from "./engine-options.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { type HttpServer, serve, type ServeOptions } from "./serve.ts";
