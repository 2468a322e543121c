/**
 * The rows of docs/frameworks.md: what is run, what it is to be recognised as, and what it can do. Heavy ones have a
 * package.json of their own and run in `npm run test:peers`.
 */

import { stripsTypes } from "../../src/config/node-options.ts";

export interface Framework {
  /** As the page and the hello reply name it. */
  readonly name: string;
  /** Its folder in docs/examples/frameworks. */
  readonly folder: string;
  /** The installed package whose version the page shows; none: part of Node or of tsgate. */
  readonly packageName?: string;
  readonly interface: "gateway" | "fetch" | "node" | "server";
  readonly webSocket?: "ws" | "Socket.IO";
  readonly isHeavy?: boolean;
  /** Beside those that the example's head comment gives. */
  readonly args?: readonly string[];
}

export const FRAMEWORKS: readonly Framework[] = [
  { name: "Express 5", folder: "express5", packageName: "express", interface: "node", webSocket: "ws" },
  { name: "Express 4", folder: "express4", packageName: "express4", interface: "node", webSocket: "ws" },
  { name: "Fastify", folder: "fastify", packageName: "fastify", interface: "node", webSocket: "ws" },
  { name: "Koa", folder: "koa", packageName: "koa", interface: "node", webSocket: "ws" },
  { name: "Hono", folder: "hono", packageName: "hono", interface: "fetch", webSocket: "ws" },
  { name: "h3", folder: "h3", packageName: "h3", interface: "fetch", webSocket: "ws" },
  {
    name: "NestJS",
    folder: "nest",
    packageName: "@nestjs/core",
    interface: "server",
    webSocket: "ws",
    isHeavy: true,
  },
  { name: "Next.js", folder: "next", packageName: "next", interface: "server", webSocket: "ws", isHeavy: true },
  { name: "Socket.IO", folder: "socket-io", packageName: "socket.io", interface: "server", webSocket: "Socket.IO" },
  { name: "ws", folder: "ws", packageName: "ws", interface: "server", webSocket: "ws" },
  { name: "node:http", folder: "node-http", interface: "server" },
  { name: "an ES module", folder: "esm-program", interface: "server" },
  { name: "CommonJS", folder: "commonjs-program", interface: "server" },
  {
    name: "a gateway application",
    folder: "gateway-typescript",
    interface: "gateway",
    args: stripsTypes() ? [] : ["--import", "tsx"],
  },
];
