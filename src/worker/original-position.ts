/**
 * Where a place in a bundle or a compiled file is in its source. Uses the source maps that Node keeps when it is told to
 * (`--enable-source-maps`), else those that the file itself names. Bounded: what is larger than a map of any sensible
 * application is left alone. Never throws.
 */

import fs from "node:fs";
import { findSourceMap, SourceMap } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface Position {
  /** A path or a URL. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const LARGEST_BYTES = 32 * 1024 * 1024;
const MARK = "# sourceMappingURL=";

/** The position in the source, or undefined when no map knows it. `line` and `column` count from 1. */
export function originalPosition(file: string, line: number, column: number): Position | undefined {
  try {
    const entry = mapOf(file)?.findEntry(line - 1, column - 1);
    if (entry === undefined || !("originalSource" in entry) || typeof entry.originalSource !== "string")
      return undefined;
    return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  } catch {
    return undefined;
  }
}

const maps = new Map<string, SourceMap | undefined>();

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) {
    maps.set(file, undefined);
    maps.set(file, findSourceMap(file) ?? readMap(file));
  }
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  if (file.includes("://") && !file.startsWith("file://")) return undefined;
  const url = file.startsWith("file://") ? file : pathToFileURL(file).href;
  const target = namedIn(read(fileURLToPath(url)));
  if (target === undefined) return undefined;
  const payload = JSON.parse(target.startsWith("data:") ? decoded(target) : read(fileURLToPath(new URL(target, url))));
  return new SourceMap(withAbsoluteSources(payload, target.startsWith("data:") ? url : new URL(target, url).href));
}

function read(file: string): string {
  if (fs.statSync(file).size > LARGEST_BYTES) throw new RangeError(`${file} is too large`);
  return fs.readFileSync(file, "utf8");
}

/** The last that the text names; what stands behind it on the line is the target. */
function namedIn(text: string): string | undefined {
  const at = text.lastIndexOf(MARK);
  if (at < 2) return undefined;
  const end = text.indexOf("\n", at);
  return text.slice(at + MARK.length, end < 0 ? text.length : end).trim();
}

function decoded(dataUrl: string): string {
  const comma = dataUrl.indexOf(",");
  const body = dataUrl.slice(comma + 1);
  return dataUrl.slice(0, comma).endsWith(";base64")
    ? Buffer.from(body, "base64").toString("utf8")
    : decodeURIComponent(body);
}

type Payload = ConstructorParameters<typeof SourceMap>[0];

/** As Node does it for the maps that it keeps: against the map's own place, and below its root. */
function withAbsoluteSources(payload: Payload, base: string): Payload {
  const { sources, sourceRoot } = payload;
  const root = sourceRoot ?? "";
  const below = root === "" || root.endsWith("/") ? root : `${root}/`;
  return { ...payload, sourceRoot: "", sources: sources.map((source) => new URL(below + source, base).href) };
}
