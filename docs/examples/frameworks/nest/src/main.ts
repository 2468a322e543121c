/**
 * NestJS 11 as its generator makes it: a program that calls `app.listen()`, run as it is. WebSockets at `/ws`.
 *
 *   cd docs/examples/frameworks/nest && npm ci && npm run build
 *   tsgate --workers 4 dist/main.js
 *   curl http://127.0.0.1:8000/
 */

import "reflect-metadata";
import { setTimeout as pause } from "node:timers/promises";
import { NestFactory } from "@nestjs/core";
import { WsAdapter } from "@nestjs/platform-ws";
import { AppModule } from "./app.module.js";
import { AppService } from "./app.service.js";

// Without its body parser an upload comes to the controller as the stream that it is.
const app = await NestFactory.create(AppModule, { bodyParser: false, logger: ["error", "warn"] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(Number(process.env.PORT ?? 3000));

const service = app.get(AppService);

export async function startup(): Promise<void> {
  await pause(10); // Connect to the database here, or in a provider's `onModuleInit`.
  service.isOpen = true;
  console.log(`worker ${process.pid} has started`);
}

export function health(): boolean {
  service.healthAsked += 1;
  return service.isOpen;
}

/** Runs the `onModuleDestroy` and `onApplicationShutdown` of the providers. */
export async function shutdown(): Promise<void> {
  service.isOpen = false;
  await app.close();
  console.log(`worker ${process.pid} was asked ${service.healthAsked} times for its health and has shut down`);
}
