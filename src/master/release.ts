/**
 * A release: one version of code and configuration, found and checked before anything is forked for it. Each
 * generation of workers runs one. Preparing it changes nothing but, with `--chdir`, the working directory.
 */

import type { AppReference } from "../app-ref.ts";
import { resolveAppReference } from "../config/app-reference.ts";
import { configurationAtReload } from "../config/at-reload.ts";
import { canRunTypeScript } from "../config/node-options.ts";
import type { Configuration, Settings } from "../config/types.ts";

export interface Release {
  readonly configuration: Configuration;
  readonly app: AppReference;
  /** Settings whose change was put off until a restart. */
  readonly needsRestart: readonly (keyof Settings)[];
}

export type ReadConfiguration = () => Promise<Configuration>;

/** Reads the configuration and finds the application's module. Throws a `TsgateError` that names what is wrong. */
export async function prepareFirstRelease(read: ReadConfiguration): Promise<Release> {
  const configuration = await read();
  return { configuration, app: findApplication(configuration), needsRestart: [] };
}

/** Reads both afresh; what only a restart can change stays as it is in `current`. */
export async function prepareNextRelease(read: ReadConfiguration, current: Release): Promise<Release> {
  const { configuration, needsRestart } = configurationAtReload(current.configuration, await read());
  return { configuration, app: findApplication(configuration), needsRestart };
}

function findApplication({ app, settings, workerEnv }: Configuration): AppReference {
  // Again at each reload: where a release is a symbolic link, the folder behind it has changed.
  if (settings.chdir !== undefined) process.chdir(settings.chdir);
  return resolveAppReference(app, process.cwd(), canRunTypeScript(settings, { ...process.env, ...workerEnv }));
}
