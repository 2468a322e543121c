/**
 * A folder whose files are served, and what is known of them. Nothing outside of it is ever opened, whatever symbolic
 * links say. What is kept in memory is bounded and never older than the file system: every request looks at the file
 * again; only where it was looked at a moment ago, and the kernel has it in memory, without leaving the event loop.
 */

import { type Stats, statSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { Coding } from "../accepted-encodings.ts";
import { contentTypeOf } from "./content-type.ts";
import { isHidden } from "./file-path.ts";
import { describeFile, isAtRest, isSameVersion, openFile, readWhole, type ServedFile, varying } from "./served-file.ts";

/** What is found under a name: a file in its codings, the plain one first, or a folder. */
export type Found = { readonly kind: "file"; readonly codings: readonly ServedFile[] } | { readonly kind: "folder" };

export interface FolderOptions {
  readonly cacheControl: (name: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What was found at the last look. */
interface Entry {
  readonly found: Found | undefined;
  /** What the file system says of each coding of a file; of a folder, or of nothing, in the first place. */
  readonly stats: readonly (Stats | undefined)[];
  readonly content: number;
  lookedAt: number;
}

export class Folder {
  private readonly root: string;
  private readonly options: FolderOptions;
  private readonly entries = new Map<string, Entry>();
  private contentBytes = 0;

  constructor(root: string, options: FolderOptions) {
    this.root = path.resolve(root);
    this.options = options;
  }

  /** What is under `name`, which has no dots and no slash at its end. Rejects with the system's error. */
  find(name: string): Found | undefined | Promise<Found | undefined> {
    const entry = this.entries.get(name);
    if (entry === undefined) return this.look(name, undefined);
    const now = this.options.now();
    if (now - entry.lookedAt < HOT_MS && now >= entry.lookedAt) {
      return this.isAsItWas(name, entry) ? entry.found : this.look(name, entry);
    }
    // Whoever asks meanwhile need not look for everything again.
    entry.lookedAt = now;
    return this.look(name, entry);
  }

  /** Forgets what is known under `name`: it was not so. */
  forget(name: string): void {
    const entry = this.entries.get(name);
    if (entry === undefined) return;
    this.entries.delete(name);
    this.contentBytes -= entry.content;
  }

  private isAsItWas(name: string, entry: Entry): boolean {
    const whole = path.join(this.root, name);
    if (entry.found?.kind !== "file") return isSameVersion(statNow(whole), entry.stats[0]);
    return entry.found.codings.every(({ coding }, index) =>
      isSameVersion(statNow(whole + endingOf(coding)), entry.stats[index]),
    );
  }

  private async look(name: string, before: Entry | undefined): Promise<Found | undefined> {
    const whole = path.join(this.root, name);
    const stats = await statLater(whole);
    const known = before?.found?.kind === "file" ? before.found.codings : [];
    if (stats?.isFile() === true) {
      const plain = await this.describe(name, undefined, stats, known);
      if (plain === undefined) return this.note(name, undefined, [stats]);
      const others = await Promise.all(CODINGS.map((coding) => this.describeCoded(name, coding, known)));
      const codings = [plain, ...others.filter((file) => file !== undefined)];
      const found = { kind: "file", codings: codings.length > 1 ? codings.map(varying) : codings } as const;
      return this.note(
        name,
        found,
        codings.map((file) => file.stats),
      );
    }
    const isFolder = stats?.isDirectory() === true && (await this.resolve(name)) !== undefined;
    return this.note(name, isFolder ? { kind: "folder" } : undefined, [stats]);
  }

  private async describeCoded(
    name: string,
    coding: Coding,
    known: readonly ServedFile[],
  ): Promise<ServedFile | undefined> {
    const stats = await statLater(path.join(this.root, name) + endingOf(coding));
    if (stats?.isFile() !== true) return undefined;
    try {
      return await this.describe(name, coding, stats, known);
    } catch {
      // One that cannot be read is none.
      return undefined;
    }
  }

  /** Undefined where the file is not in the folder, or another by now. */
  private async describe(
    name: string,
    coding: Coding | undefined,
    seen: Stats,
    known: readonly ServedFile[],
  ): Promise<ServedFile | undefined> {
    const before = known.find((file) => file.coding === coding);
    if (before !== undefined && isSameVersion(before.stats, seen)) return before;
    const resolved = await this.resolve(name + endingOf(coding));
    if (resolved === undefined) return undefined;
    const opened = await openFile(resolved);
    if (opened === undefined) return undefined;
    const { handle, stats } = opened;
    try {
      const isSmall = stats.size <= SMALL_BYTES;
      const content = isSmall ? await readWhole(handle, stats) : undefined;
      const contentType = contentTypeOf(name);
      const cacheControl = this.options.cacheControl(name);
      return describeFile({ path: resolved, stats, coding, content, contentType, cacheControl });
    } finally {
      await handle.close();
    }
  }

  /** The path without symbolic links; undefined where that is outside of the folder, or hidden in it. */
  private async resolve(name: string): Promise<string | undefined> {
    try {
      // The folder itself may be a link that is moved to another release: both are resolved by the same one.
      const root = await realpath(this.root);
      const resolved = await realpath(path.join(root, name));
      const base = root === "/" ? "" : root;
      if (resolved !== root && !resolved.startsWith(`${base}/`)) return undefined;
      const below = resolved.slice(base.length);
      const isWellKnown = name.startsWith(WELL_KNOWN) && below.startsWith(`/${WELL_KNOWN}`);
      return isHidden(isWellKnown ? below.slice(WELL_KNOWN.length) : below) ? undefined : resolved;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  private note(name: string, found: Found | undefined, stats: readonly (Stats | undefined)[]): Found | undefined {
    this.forget(name);
    // Clients choose the names of what is not there.
    if (name.length > LONGEST_NAME) return found;
    const now = this.options.now();
    if (!stats.every((one) => one === undefined || isAtRest(one, now))) return found;
    const files = found?.kind === "file" ? found.codings : [];
    const content = files.reduce((sum, file) => sum + (file.content?.length ?? 0), 0);
    this.entries.set(name, { found, stats, content, lookedAt: now });
    this.contentBytes += content;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= MOST_ENTRIES && this.contentBytes <= MOST_CONTENT_BYTES) break;
      this.forget(oldest);
    }
    return found;
  }
}

/** The ending that a file has in a coding. */
function endingOf(coding: Coding | undefined): string {
  return coding === undefined ? "" : ENDINGS[coding];
}

function statNow(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function statLater(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Whether the error says that there is no such file for us to see. */
function isAbsence(error: unknown): boolean {
  return ABSENCES.has((error as NodeJS.ErrnoException).code ?? "");
}

const ABSENCES: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "ENXIO"]);
/** The one folder that is not hidden (RFC 8615). */
const WELL_KNOWN = ".well-known/";
const ENDINGS: Readonly<Record<Coding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };
export const CODINGS: readonly Coding[] = ["br", "zstd", "gzip"];

/** So long after a look, the kernel has what it needs for another in memory; and so late a new coding is seen. */
const HOT_MS = 1000;
const SMALL_BYTES = 65_536;
/** Of what is kept in memory; a longer one is looked up each time. */
const LONGEST_NAME = 1024;
const MOST_ENTRIES = 4096;
const MOST_CONTENT_BYTES = 8 * 1024 * 1024;
