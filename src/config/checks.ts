/**
 * What a single value cannot tell: whether settings fit each other, this Node and the disk. Reads, changes nothing.
 */

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { usageError } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { complaintAboutUnixPath, formatAddress } from "./bind-address.ts";
import { SETTINGS } from "./settings.ts";
import type { BindAddress, Settings } from "./types.ts";

/** Throws a usage error for the first thing that does not fit; `where` says what the user called a setting. */
export function checkSettings(settings: Settings, cwd: string, where: (key: keyof Settings) => string): void {
  checkDirectory(settings.chdir, where("chdir"));
  checkAddresses(settings.bind, where("bind"));
  checkAccessLog(settings.accessLogfile, where("accessLogfile"));
  checkAddresses(settings.adminBind, where("adminBind"));
  checkAdminAddresses(settings, where("adminBind"));
  checkMinReady(settings, where("minReady"));
  checkHasEndpoints(settings, where);
  for (const { directory } of settings.static) checkDirectory(directory, where("static"));
  checkImports(settings.import, settings.chdir ?? cwd, where("import"));
}

/**
 * The same for the application and those beside it: a program's own server has its connections for itself, and what
 * says how `app` is to be taken says nothing of a mount.
 */
export function checkMounts(settings: Settings, app: string | undefined, where: (key: keyof Settings) => string): void {
  if (settings.mount.length === 0) return;
  if (settings.interface === "server")
    throw usageError(`${where("interface")}: an application of kind server cannot stand beside mounts; leave one out`);
  if (app !== undefined) return;
  const idle = (["interface", "factory"] as const).find((key) => settings[key] !== SETTINGS[key].default);
  if (idle !== undefined)
    throw usageError(`${where(idle)} has no effect: it is about APP, and only mounts are given; leave it out`);
}

function checkDirectory(directory: string | undefined, where: string): void {
  if (directory === undefined) return;
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) throw usageError(`${where}: ${directory} does not exist; name a directory that does`);
  if (!found.isDirectory()) throw usageError(`${where}: ${directory} is not a directory; name one`);
}

function checkAddresses(addresses: readonly BindAddress[], where: string): void {
  const seen = new Set<string>();
  for (const address of addresses) {
    const text = formatAddress(address);
    if (seen.has(text)) throw usageError(`${where}: ${text} is given twice; leave one out`);
    if (address.kind !== "tcp" || address.port !== 0) seen.add(text);
    const complaint = address.kind === "unix" ? complaintAboutUnixPath(address.path) : undefined;
    if (complaint !== undefined) throw usageError(`${where}: ${complaint}`);
    if (address.kind === "abstract") checkAbstract(text, where);
  }
}

/** One socket cannot serve both. */
function checkAdminAddresses({ adminBind, bind }: Settings, where: string): void {
  const taken = new Set(bind.filter((one) => one.kind !== "tcp" || one.port !== 0).map((one) => formatAddress(one)));
  const twice = adminBind.map((one) => formatAddress(one)).find((text) => taken.has(text));
  if (twice !== undefined)
    throw usageError(`${where}: ${twice} is an address of the application too (--bind); give it one of its own`);
}

function checkMinReady({ minReady, workers }: Settings, where: string): void {
  if (minReady <= workers || minReady === 1) return;
  throw usageError(
    `${where}: ${minReady} workers can never be ready, there are ${workers}; give at most ${workers}, or more workers`,
  );
}

/** What is said of the operator's endpoints has no effect where there are none. */
function checkHasEndpoints(
  { adminBind, adminTokenFile, minReady }: Settings,
  where: (key: keyof Settings) => string,
): void {
  if (adminBind.length > 0) return;
  const isWithout = "has no effect without --admin-bind; give both, or leave it out";
  if (adminTokenFile !== undefined) throw usageError(`${where("adminTokenFile")} ${isWithout}`);
  if (minReady !== 1) throw usageError(`${where("minReady")} ${isWithout}`);
}

/** Node 20 pads abstract names with NULs, so that no client finds them. */
function checkAbstract(text: string, where: string): void {
  if (process.platform !== "linux")
    throw usageError(`${where}: ${text}: abstract names exist on Linux only; give unix: and a path`);
  if (Number(process.versions.node.split(".", 1)[0]) < 22) {
    throw usageError(
      `${where}: ${text}: abstract names need Node 22 or later, and this is ${process.version}; give unix: and a path`,
    );
  }
}

/** Tried without making the file: a start that fails leaves nothing behind. */
function checkAccessLog(file: string | undefined, where: string): void {
  if (file === undefined || file === "-") return;
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) accessSync(dirname(file), constants.W_OK | constants.X_OK);
    else if (found.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    else accessSync(file, constants.W_OK);
  } catch (error) {
    throw usageError(`${where}: cannot write to ${file}: ${fileProblem(error, file)}`);
  }
}

/** A file that is not there would only show as workers that die before they can say why. */
function checkImports(specifiers: readonly string[], directory: string, where: string): void {
  for (const specifier of specifiers) {
    const file = resolve(directory, specifier);
    if (!/^\.{0,2}\//.test(specifier)) {
      if (existsSync(file))
        throw usageError(`${where}: ${specifier} would be a package; for the file give ./${specifier}`);
      continue;
    }
    if (!existsSync(file)) throw usageError(`${where}: ${file} does not exist; check the path`);
  }
}
