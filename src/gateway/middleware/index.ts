/** `tsgate/middleware`: what ships with the gateway, and what helps to write more. */

export { basicAuthentication, type BasicAuthenticationOptions } from "./basic-authentication.ts";
export { compression, type CompressionOptions } from "./compression.ts";
export { errorPages, type ErrorPagesOptions, type Failure } from "./error-pages.ts";
export { closeBody, mapChunks } from "./map-chunks.ts";
export { compose, type Middleware } from "./middleware.ts";
export { onReply, type OnReplyOptions, type Reply } from "./on-reply.ts";
export { securityHeaders, type SecurityHeadersOptions } from "./security-headers.ts";
export { staticFiles, type StaticFilesOptions } from "./static/static-files.ts";
