/**
 * From a request on the command line, or of a program, to a server that has ended: finds the configuration, opens the
 * log, checks the application's place, and runs the arbiter.
 */

import { type ConfigurationRequest, resolveConfiguration } from "../config/resolve.ts";
import type { Configuration } from "../config/types.ts";
import { type Log, openLog } from "../observe/logger.ts";
import { surviveUncaught } from "../user-code.ts";
import { Arbiter } from "./arbiter.ts";
import { takeInheritedDescriptors } from "./inherited-sockets.ts";
import { preload } from "./preload.ts";
import { prepareFirstRelease } from "./release.ts";
import type { Ending } from "./stopping.ts";
import { outputPump } from "./worker-process.ts";
import { watchForZombies } from "./zombies.ts";

export type { Ending } from "./stopping.ts";

/**
 * Runs the server until it has stopped or halted.
 * @throws TsgateError when it cannot begin: exit 2 configuration, 4 application, 5 address
 */
export async function runServer(request: ConfigurationRequest): Promise<Ending> {
  const inherited = takeInheritedDescriptors(process.env);
  const readConfiguration = async (): Promise<Configuration> =>
    withSockets(await resolveConfiguration(request), inherited);
  const release = await prepareFirstRelease(readConfiguration);
  const { settings, origins } = release.configuration;
  if (settings.preload) for (const { app } of release.applications) await preload(app, settings.bootTimeout);
  const log = openLog({
    level: settings.logLevel,
    format: settings.logFormat,
    file: settings.logFile,
    name: settings.name === "tsgate" ? undefined : settings.name,
  });
  outputPump.holdWhile(log.isBehind);
  if (inherited.length > 0 && origins.bind !== "default")
    log.write("warn", "bind ignored: sockets were handed over", { descriptors: inherited });
  const { write, reopen, droppedRecords } = log;
  return runArbiter(new Arbiter({ release, readConfiguration, log: write, reopenLogs: reopen, droppedRecords }), log);
}

async function runArbiter(arbiter: Arbiter, log: Log): Promise<Ending> {
  const stopSurviving = surviveUncaught(log.write);
  const stopLooking = watchForZombies(log.write);
  try {
    return await arbiter.run();
  } finally {
    stopLooking();
    stopSurviving();
    await log.close();
    arbiter.letGo();
  }
}

/** Sockets that systemd handed over take the place of the addresses. */
function withSockets(configuration: Configuration, descriptors: readonly number[]): Configuration {
  if (descriptors.length === 0) return configuration;
  const bind = descriptors.map((fd) => ({ kind: "fd", fd }) as const);
  return { ...configuration, settings: { ...configuration.settings, bind } };
}
