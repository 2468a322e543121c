/** The public face of the gateway: what the package root hands on. */

export { defineApplication, isGatewayApplication } from "./define-application.ts";
export { expectContinue, NodeExchange } from "./node-exchange.ts";
export { isUnixSocket, plainAddress } from "./node-connection.ts";
export { atMount, type Mounted, MountTable, withoutPrefix } from "./mount-table.ts";
export { environOf } from "./environ-to-look-at.ts";
export { type NodeListenerOptions, toNodeListener } from "./node-listener.ts";
export { withoutQuery } from "./request-target.ts";
export type { RequestName } from "./run.ts";
export type {
  Application,
  Body,
  Chunk,
  EarlyHints,
  Environ,
  ErrorStream,
  FileBody,
  FileLike,
  FileWrapper,
  GatewayInput,
  HeaderList,
  ReadableFile,
  StartResponse,
  StartResponseOptions,
  Status,
} from "./types.ts";
