/**
 * Finds the configuration: default < configuration file < environment < command line. Reads files, changes nothing
 * (no directory, no environment), and can be called again at each reload. Every error is a usage error of one sentence.
 */

import { resolve } from "node:path";
import { usageError } from "../errors.ts";
import { checkMounts, checkSettings } from "./checks.ts";
import { findConfigFile, hooksOf, readConfigFile, type ConfigObject } from "./config-file.ts";
import { readEnvFile } from "./env-file.ts";
import { environmentLayer, fileLayer, flagsLayer, readSetting, type Environment, type Layer } from "./layers.ts";
import { readMachineFacts } from "./machine-facts.ts";
import { variableOf, type DefaultFacts, type FoundDefault, type SettingRow } from "./setting-row.ts";
import { rowOf, SETTING_KEYS, SETTINGS } from "./settings.ts";
import { readTokenFile } from "./token-file.ts";
import type { BindAddress, Configuration, Origin, Settings } from "./types.ts";
import { quoted, ValueError } from "./value-error.ts";
import type { MachineFacts } from "./worker-count.ts";

export interface ConfigurationRequest {
  /** Settings of the command line, by key: texts as `parseCommandLine` gives them, or native values. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly app?: string | undefined;
  readonly appArgs?: readonly string[];
  readonly env: Environment;
  /** Where tsgate was started: the configuration file is looked for here, whatever `chdir` says. */
  readonly cwd: string;
  /** For tests: what the machine has. */
  readonly machine?: () => MachineFacts;
}

/** The configuration that these flags, this environment and the files on disk make now. */
export async function resolveConfiguration(given: ConfigurationRequest): Promise<Configuration> {
  const request: AnsweredRequest = { ...given, machine: once(given.machine ?? readMachineFacts) };
  const environment = environmentLayer(request.env);
  const flags = flagsLayer(request.flags);
  const configFile = findConfigFile(request.cwd, configNamed([flags, environment]));
  const object = configFile === undefined ? {} : await readConfigFile(configFile);
  const hooks = configFile === undefined ? {} : hooksOf(configFile, object);
  const layers = [flags, environment, ...(configFile === undefined ? [] : [fileLayer(configFile, object)])];

  const found = findAll(layers, request);
  const settings = withAbsolutePaths(settingsOf(found), request.cwd);
  const app = request.app ?? appOf(object, configFile, settings.mount.length > 0);
  checkSettings(settings, request.cwd, (key) => found[key].where);
  checkMounts(settings, app, (key) => found[key].where);
  return {
    settings,
    app,
    appArgs:
      request.appArgs !== undefined && request.appArgs.length > 0 ? request.appArgs : appArgsOf(object, configFile),
    origins: Object.fromEntries(SETTING_KEYS.map((key) => [key, found[key].origin])) as Record<keyof Settings, Origin>,
    hooks,
    configFile,
    workersReason: found.workers.reason,
    memoryLimit: request.machine().memoryLimit,
    workerEnv: await workerEnv(settings, request.env),
    adminToken:
      settings.adminTokenFile === undefined
        ? undefined
        : await readTokenFile(settings.adminTokenFile, found.adminTokenFile.where),
  };
}

type AnsweredRequest = ConfigurationRequest & Required<Pick<ConfigurationRequest, "machine">>;

/** The machine is asked once. */
function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => (found ??= { value: find() }).value;
}

interface Found {
  readonly value: unknown;
  readonly origin: Origin;
  /** How complaints call it. */
  readonly where: string;
  readonly reason: string;
}

function findAll(layers: readonly Layer[], request: AnsweredRequest): Readonly<Record<keyof Settings, Found>> {
  const found = SETTING_KEYS.map((key) => [key, findOne(key, rowOf(key), layers, request)] as const);
  return Object.fromEntries(found) as Record<keyof Settings, Found>;
}

/** The strongest value; the weaker ones are parsed too, so that a mistake never hides behind a flag. */
function findOne(
  key: keyof Settings,
  row: SettingRow<unknown>,
  layers: readonly Layer[],
  request: AnsweredRequest,
): Found {
  const given: Found[] = [];
  for (const layer of layers) {
    const read = readSetting(layer, key, row);
    if (read === undefined) continue;
    const where = layer.where(key);
    given.push({
      value: read.value,
      origin: layer.origin,
      where,
      reason: layer.origin === "environment" ? `$${variableOf(key)}` : where,
    });
  }
  return given[0] ?? defaultOf(key, row, request);
}

function defaultOf(key: keyof Settings, row: SettingRow<unknown>, { env, machine }: AnsweredRequest): Found {
  if (typeof row.default !== "function")
    return { value: row.default, origin: "default", where: key, reason: "default" };
  try {
    const find = row.default as (facts: DefaultFacts) => FoundDefault<unknown>;
    const found = find({ env, machine });
    return { ...found, where: found.origin === "environment" ? found.reason : key };
  } catch (error) {
    throw error instanceof ValueError ? usageError(error.message) : error;
  }
}

function settingsOf(found: Readonly<Record<keyof Settings, Found>>): Settings {
  return Object.fromEntries(SETTING_KEYS.map((key) => [key, found[key].value])) as unknown as Settings;
}

/** `--config` decides what the file is, so it is read before the others. */
function configNamed(layers: readonly Layer[]): string | undefined {
  for (const layer of layers) {
    const read = readSetting(layer, "config", SETTINGS.config);
    if (read !== undefined) return read.value;
  }
  return undefined;
}

/** `config` and `chdir` begin where tsgate was started, all other paths in `chdir`. */
function withAbsolutePaths(settings: Settings, cwd: string): Settings {
  const chdir = settings.chdir === undefined ? undefined : resolve(cwd, settings.chdir);
  const absolute: Record<string, unknown> = {
    ...settings,
    bind: settings.bind.map((address) => absoluteAddress(address, chdir ?? cwd)),
    adminBind: settings.adminBind.map((address) => absoluteAddress(address, chdir ?? cwd)),
    static: settings.static.map((folder) => ({
      ...folder,
      directory: resolve(chdir ?? cwd, folder.directory),
    })),
    chdir,
  };
  for (const key of SETTING_KEYS) {
    const path = settings[key];
    // A lone dash is a standard stream.
    if (rowOf(key).isPath !== true || typeof path !== "string" || path === "-" || key === "chdir") continue;
    absolute[key] = resolve(key === "config" ? cwd : (chdir ?? cwd), path);
  }
  return absolute as unknown as Settings;
}

function absoluteAddress(address: BindAddress, directory: string): BindAddress {
  return address.kind === "unix" ? { kind: "unix", path: resolve(directory, address.path) } : address;
}

function appOf(object: ConfigObject, configFile: string | undefined, hasMounts: boolean): string | undefined {
  const app = object["app"];
  if (typeof app === "string" && app.trim() !== "") return app;
  if (app !== undefined && app !== null)
    throw usageError(`app in ${configFile}: ${quoted(app)} is not an application; give a module, such as "app.js"`);
  if (hasMounts) return undefined;
  const place = configFile === undefined ? "in a configuration file" : `in ${configFile}`;
  throw usageError(`no application was given; name a module, such as tsgate app.js, or set app ${place}`);
}

function appArgsOf(object: ConfigObject, configFile: string | undefined): readonly string[] {
  const args = object["appArgs"] ?? [];
  if (Array.isArray(args) && args.every((arg) => typeof arg === "string")) return args;
  throw usageError(
    `appArgs in ${configFile}: ${quoted(args)} is not a list of strings; give one, such as ["--verbose"]`,
  );
}

/** The file first, where the environment says nothing; `--env` over both. */
async function workerEnv(settings: Settings, env: Environment): Promise<Readonly<Record<string, string>>> {
  const fromFile = settings.envFile === undefined ? {} : await readEnvFile(settings.envFile);
  const added = Object.entries(fromFile).filter(([key]) => env[key] === undefined);
  return { ...Object.fromEntries(added), ...settings.env };
}
