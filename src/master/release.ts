/**
 * A release: one version of code and configuration, found and checked before anything is forked for it. Each
 * generation of workers runs one. Preparing it changes nothing that serves.
 */

import fs from "node:fs";
import type { AppReference } from "../app-ref.ts";
import { resolveAppReference } from "../config/app-reference.ts";
import { configurationAtReload } from "../config/at-reload.ts";
import { canRunTypeScript } from "../config/node-options.ts";
import type { Configuration, InterfaceName, Settings } from "../config/types.ts";
import type { StaticOrder } from "../boot-order.ts";
import { type MountPoint, ROOT } from "../mount-point.ts";

export interface Release {
  readonly configuration: Configuration;
  /** At least one; the one at the root, if there is one, first. */
  readonly applications: readonly PlacedApplication[];
  readonly staticFolders: readonly StaticOrder[];
  /** Where its workers run, with `--chdir`. */
  readonly directory: string | undefined;
  /** Settings whose change was put off until a restart. */
  readonly needsRestart: readonly (keyof Settings)[];
}

/** An application and where it is in the server. */
export interface PlacedApplication {
  readonly mount: MountPoint;
  readonly app: AppReference;
}

/** What the applications of a release are called, as written. */
export function applicationsText({ applications }: Release): string {
  return applications.map(({ app }) => app.text).join(", ");
}

export type ReadConfiguration = () => Promise<Configuration>;

/**
 * Reads the configuration and finds the application's module. With `--chdir` the master goes there itself, once.
 * @throws TsgateError that names what is wrong
 */
export async function prepareFirstRelease(read: ReadConfiguration): Promise<Release> {
  const configuration = await read();
  if (configuration.settings.chdir !== undefined) process.chdir(configuration.settings.chdir);
  return release(configuration, []);
}

/** Reads both afresh; what only a restart can change stays as it is in `current`. */
export async function prepareNextRelease(read: ReadConfiguration, current: Release): Promise<Release> {
  const { configuration, needsRestart } = configurationAtReload(current.configuration, await read());
  return release(configuration, needsRestart);
}

function release(configuration: Configuration, needsRestart: Release["needsRestart"]): Release {
  const { settings, workerEnv } = configuration;
  // Where a release is a symbolic link: the folder behind it now, for all the workers of this generation.
  const directory = settings.chdir === undefined ? undefined : fs.realpathSync(settings.chdir);
  const canRun = canRunTypeScript(settings, { ...process.env, ...workerEnv });
  const applications = placesOf(configuration).map(({ mount, wanted, text, called }) => ({
    mount,
    app: resolveAppReference(text, directory ?? process.cwd(), canRun, wanted, called),
  }));
  // For these the same holds: what a page and its files are made of changes at one moment.
  const staticFolders = settings.static.map((folder) => ({
    prefix: folder.prefix,
    directory: fs.realpathSync(folder.directory),
  }));
  return { configuration, directory, applications, staticFolders, needsRestart };
}

interface Place {
  readonly mount: MountPoint;
  readonly wanted: InterfaceName;
  readonly text: string;
  /** What the user knows it by. */
  readonly called: string;
}

function placesOf({ app, settings }: Configuration): readonly Place[] {
  const root = app === undefined ? [] : [{ mount: ROOT, wanted: settings.interface, text: app, called: app }];
  const mounts = settings.mount.map(({ point, app: text }) => ({
    mount: point,
    wanted: "auto" as const,
    text,
    called: `${point.text}=${text}`,
  }));
  return [...root, ...mounts];
}
