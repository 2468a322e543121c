/**
 * A regular file that Python has open and hands on (`wsgi.file_wrapper`), read here in its place: the thread is free when
 * it is open here too, whatever the client takes of it. By its descriptor, so it is the same file whatever its path leads
 * to by now.
 */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { fileWrapper } from "../../gateway/file-wrapper.ts";
import type { FileBody } from "../../gateway/index.ts";

/** Which part of which file; device and inode are whole numbers as text. */
export interface FilePlace {
  readonly descriptor: number;
  readonly device: string;
  readonly inode: string;
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 262_144;

/** The file that process `pid` has open; undefined where it cannot be had, or is another one. */
export async function openFile(pid: number, place: FilePlace): Promise<FileBody | undefined> {
  let handle: FileHandle | undefined;
  try {
    // What is no file after all must not keep a thread of this process waiting.
    handle = await open(`/proc/${pid}/fd/${place.descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const { dev, ino, isFile } = await statusOf(handle);
    if (isFile && dev === place.device && ino === place.inode) return bodyOf(handle, place);
  } catch {
    // No such system, no right, or gone: Python reads it by itself.
  }
  await handle?.close().catch(() => {});
  return undefined;
}

async function statusOf(handle: FileHandle): Promise<{ dev: string; ino: string; isFile: boolean }> {
  const status = await handle.stat({ bigint: true });
  return { dev: String(status.dev), ino: String(status.ino), isFile: status.isFile() };
}

function bodyOf(handle: FileHandle, { offset, size }: FilePlace): FileBody {
  let at = offset;
  const end = offset + size;
  const read = async (most: number): Promise<Uint8Array> => {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(most, end - at)), 0, undefined, at);
    at += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  return fileWrapper({ read, close: () => handle.close() }, BLOCK);
}
