/**
 * One version of one file: what it is, the headers that describe it, and its content if that is small and at rest. What
 * is a version is decided by what the file system says of it; a file that was changed in the last moments may change
 * again without a difference that can be seen, and its content is not kept.
 */

import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readlink } from "node:fs/promises";
import type { HeaderList } from "../../types.ts";
import type { Coding } from "../accepted-encodings.ts";
import { withHeader } from "../header-list.ts";
import type { Validators } from "./conditions.ts";

export interface ServedFile extends Validators {
  /** Without any symbolic link. */
  readonly path: string;
  readonly size: number;
  readonly stats: Stats;
  readonly coding: Coding | undefined;
  /** Undefined where it has to be read: then `openVersion` says whether it is still this one. */
  readonly content: Buffer | undefined;
  /** Of any reply that is about this version. */
  readonly common: HeaderList;
  /** Of one that brings it whole. */
  readonly whole: HeaderList;
}

/** Whether nothing has happened to a file between two looks at it, as far as the file system can tell. */
export function isSameVersion(a: Stats | undefined, b: Stats | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

/** Whether two changes would have been told apart: time stamps are as coarse as two seconds on some file systems. */
export function isAtRest({ mtimeMs, ctimeMs }: Stats, now: number): boolean {
  return now - Math.max(mtimeMs, ctimeMs) > 2500;
}

/**
 * Opens a regular file for reading. `path` has no symbolic link in it; where there is one by now, it is not opened.
 * @returns undefined when something else is there than was
 * @throws the system's error
 */
export async function openFile(path: string): Promise<{ handle: FileHandle; stats: Stats } | undefined> {
  // Without O_NONBLOCK a fifo that has come in the file's place would wait for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (stats.isFile() && (await isWhere(handle, path))) return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

/** Opens the file, if it is this version; undefined if it is another by now. Throws the system's error. */
export async function openVersion(file: ServedFile): Promise<FileHandle | undefined> {
  const opened = await openFile(file.path);
  if (opened === undefined || isSameVersion(opened.stats, file.stats)) return opened?.handle;
  await opened.handle.close();
  return undefined;
}

/** Reads a small file as one piece. Undefined when it changes meanwhile. */
export async function readWhole(handle: FileHandle, stats: Stats): Promise<Buffer | undefined> {
  const buffer = Buffer.allocUnsafeSlow(stats.size);
  let filled = 0;
  while (filled < stats.size) {
    const { bytesRead } = await handle.read(buffer, filled, stats.size - filled, filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return isSameVersion(await handle.stat(), stats) ? buffer : undefined;
}

export interface Description {
  readonly path: string;
  readonly stats: Stats;
  readonly coding: Coding | undefined;
  readonly content: Buffer | undefined;
  readonly contentType: string;
  readonly cacheControl: string | undefined;
}

/** Describes a version of a file. */
export function describeFile({ path, stats, coding, content, contentType, cacheControl }: Description): ServedFile {
  const modifiedSeconds = Math.floor(stats.mtimeMs / 1000);
  // Microseconds: as exact as a number can be.
  const version = `${Math.round(stats.mtimeMs * 1000).toString(36)}-${stats.size.toString(36)}`;
  const etag = coding === undefined ? `"${version}"` : `"${version}-${coding}"`;
  const common: (readonly [string, string])[] = [
    ["ETag", etag],
    ["Last-Modified", new Date(modifiedSeconds * 1000).toUTCString()],
  ];
  if (cacheControl !== undefined) common.push(["Cache-Control", cacheControl]);
  const whole = [...common, ["Content-Type", contentType] as const, ["Accept-Ranges", "bytes"] as const];
  if (coding !== undefined) whole.push(["Content-Encoding", coding]);
  whole.push(["Content-Length", String(stats.size)]);
  return { path, size: stats.size, stats, coding, content, etag, modifiedSeconds, common, whole };
}

/** The file for a reply that depends on what the client accepts. */
export function varying(file: ServedFile): ServedFile {
  const vary = ["Vary", "Accept-Encoding"] as const;
  return { ...file, common: withHeader(file.common, vary), whole: withHeader(file.whole, vary) };
}

/**
 * Whether what was opened is still where it was looked for: a folder on the way may have become a symbolic link. Only
 * Linux can say.
 */
async function isWhere(handle: FileHandle, path: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  try {
    return (await readlink(`/proc/self/fd/${handle.fd}`)) === path;
  } catch {
    return true;
  }
}
