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

/**
 * The position in the source, or undefined when no map knows it. `line` and `column` count from 1.
 * @param largestBytes of a file that is read for it: that blocks the event loop
 */
export function originalPosition(
  file: string,
  line: number,
  column: number,
  largestBytes = LARGEST_BYTES,
): Position | undefined {
  try {
    const entry = mapOf(file, largestBytes)?.findEntry(line - 1, column - 1);
    if (entry === undefined || !("originalSource" in entry) || typeof entry.originalSource !== "string")
      return undefined;
    return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  } catch {
    return undefined;
  }
}

/** What was found when nothing larger than `largestBytes` was to be read. */
const maps = new Map<string, { readonly map: SourceMap | undefined; readonly largestBytes: number }>();

function mapOf(file: string, largestBytes: number): SourceMap | undefined {
  const known = maps.get(file);
  if (known !== undefined && (known.map !== undefined || known.largestBytes >= largestBytes)) return known.map;
  maps.set(file, { map: undefined, largestBytes });
  const map = findSourceMap(file) ?? readMap(file, largestBytes);
  maps.set(file, { map, largestBytes });
  return map;
}

function readMap(file: string, largestBytes: number): SourceMap | undefined {
  if (file.includes("://") && !file.startsWith("file://")) return undefined;
  const url = file.startsWith("file://") ? file : pathToFileURL(file).href;
  const target = namedIn(read(fileURLToPath(url), largestBytes));
  if (target === undefined) return undefined;
  const payload = JSON.parse(
    target.startsWith("data:") ? decoded(target) : read(fileURLToPath(new URL(target, url)), largestBytes),
  );
  return new SourceMap(withAbsoluteSources(payload, target.startsWith("data:") ? url : new URL(target, url).href));
}

function read(file: string, largestBytes: number): string {
  if (fs.statSync(file).size > largestBytes) throw new RangeError(`${file} is too large`);
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
