/**
 * A place that log lines are appended to, by several processes at once: a file, a pipe, a device, or this process's
 * standard output. Whoever writes hands over whole lines, no more than `chunkBytes` at a time, so that they are never
 * torn; nothing here ever waits for a reader, as long as the system lets a pipe be opened anew.
 */

import fs from "node:fs";
import { promisify } from "node:util";

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants;

/** What the kernel appends to a file in one piece, and what it takes for a pipe in one piece (PIPE_BUF). */
const FILE_CHUNK = 65_536;
const PIPE_CHUNK = 4096;
const MODE = 0o644;

/** Where lines go: a path, or a descriptor that is open already. */
export type LogPlace = { readonly file: string } | { readonly fd: number };

export interface LogTarget {
  readonly fd: number;
  readonly chunkBytes: number;
  /** False for a descriptor that is not ours to close. */
  readonly isOwn: boolean;
}

const open = promisify(fs.open);
const stat = promisify(fs.stat);
const fstat = promisify(fs.fstat);

/** Opens a place for appending. Rejects with the system's error. */
export async function openTarget(place: LogPlace): Promise<LogTarget> {
  return "file" in place ? openFile(place.file) : openDescriptor(place.fd);
}

/** Creates the file where it is missing. A named pipe that nobody reads is opened all the same, and takes what fits. */
async function openFile(path: string): Promise<LogTarget> {
  const before = await stat(path).catch(() => undefined);
  // Opened for reading too, it does not wait for a reader, nor fail without one.
  const isPipe = before?.isFIFO() === true;
  const flags = O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | (isPipe ? O_RDWR : O_WRONLY);
  const fd = await open(path, flags, MODE);
  return { fd, chunkBytes: isPipe ? PIPE_CHUNK : FILE_CHUNK, isOwn: true };
}

/** A pipe or a terminal is opened anew, so that a write never waits for its reader; others who have it still do. */
async function openDescriptor(fd: number): Promise<LogTarget> {
  const facts = await fstat(fd);
  const isFile = facts.isFile();
  const asItIs = { fd, chunkBytes: isFile ? FILE_CHUNK : PIPE_CHUNK, isOwn: false };
  // A file opened anew would have a position of its own, and others would write over what is written here.
  if (isFile || facts.isSocket()) return asItIs;
  try {
    const own = await open(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK);
    return { ...asItIs, fd: own, isOwn: true };
  } catch {
    return asItIs;
  }
}

/** The last bytes of a file, so many or fewer; undefined for what is no file, or cannot be read. */
export async function tailOf({ fd }: LogTarget, bytes: number): Promise<Buffer | undefined> {
  try {
    const facts = await fstat(fd);
    if (!facts.isFile()) return undefined;
    const reader = await fs.promises.open(`/proc/self/fd/${fd}`);
    try {
      const length = Math.min(bytes, facts.size);
      const { buffer, bytesRead } = await reader.read(Buffer.alloc(length), 0, length, facts.size - length);
      return buffer.subarray(0, bytesRead);
    } finally {
      await reader.close();
    }
  } catch {
    return undefined;
  }
}

/** Lets go of it; what goes wrong there is of no consequence. */
export function closeTarget({ fd, isOwn }: LogTarget): void {
  if (isOwn) fs.close(fd, () => {});
}
