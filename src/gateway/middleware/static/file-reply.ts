/** The reply to a GET or HEAD of a file: whole, in ranges, or that nothing needs to be sent (RFC 9110 sections 13 to 15). */

import { randomBytes } from "node:crypto";
import type { HeaderList } from "../../types.ts";
import { headerOf, withHeader, withoutHeaders } from "../header-list.ts";
import type { Reply } from "../on-reply.ts";
import { type ByteRange, parseRanges } from "./byte-ranges.ts";
import { allowsRanges, precondition } from "./conditions.ts";
import { fileBody, type Part } from "./file-body.ts";
import type { FileRequest } from "./file-request.ts";
import { openVersion, type ServedFile } from "./served-file.ts";

/** The reply; undefined when the file is another by now. Rejects with the system's error. */
export function replyWith(request: FileRequest, file: ServedFile): Reply | Promise<Reply | undefined> {
  const verdict = precondition(request, file);
  if (verdict === "not modified") return { status: 304, headers: file.common, body: [] };
  if (verdict === "failed") return text(412, file.common, "Precondition Failed\n");
  const { HTTP_RANGE: asked, HTTP_IF_RANGE: ifRange, REQUEST_METHOD: method } = request;
  // Only a GET has ranges (RFC 9110 section 14.2).
  const isRanged = asked !== undefined && method === "GET" && allowsRanges(ifRange, file);
  const ranges = isRanged ? parseRanges(asked, file.size) : undefined;
  if (ranges === "unsatisfiable")
    return text(416, [...file.common, ["Content-Range", `bytes */${file.size}`]], "Range Not Satisfiable\n");
  const { status, headers, parts } = ranges === undefined ? whole(file) : partial(file, ranges);
  if (method === "HEAD") return { status, headers, body: [] };
  if (file.content === undefined) return opened(file, { status, headers, parts });
  return { status, headers, body: parts.map((part) => sliceOf(file.content as Buffer, part)) };
}

interface Outline {
  readonly status: number;
  readonly headers: HeaderList;
  readonly parts: readonly Part[];
}

function whole(file: ServedFile): Outline {
  return { status: 200, headers: file.whole, parts: file.size === 0 ? [] : [{ start: 0, end: file.size - 1 }] };
}

function partial(file: ServedFile, ranges: readonly ByteRange[]): Outline {
  const [only, second] = ranges;
  if (only !== undefined && second === undefined) {
    const headers = [
      ...withHeader(file.whole, ["Content-Length", String(lengthOf(only))]),
      ["Content-Range", rangeOf(only, file)] as const,
    ];
    return { status: 206, headers, parts: [only] };
  }
  const boundary = randomBytes(12).toString("hex");
  const type = headerOf(file.whole, "content-type") ?? "";
  const parts = ranges.flatMap((range, index): Part[] => [
    `${index === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${rangeOf(range, file)}\r\n\r\n`,
    range,
  ]);
  parts.push(`\r\n--${boundary}--\r\n`);
  const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
  const headers = [
    ...withoutHeaders(file.whole, OF_THE_WHOLE),
    ["Content-Type", `multipart/byteranges; boundary=${boundary}`] as const,
    ["Content-Length", String(length)] as const,
  ];
  return { status: 206, headers, parts };
}

async function opened(file: ServedFile, { status, headers, parts }: Outline): Promise<Reply | undefined> {
  const handle = await openVersion(file);
  if (handle === undefined) return undefined;
  return { status, headers, body: fileBody(handle, file, parts) };
}

function text(status: number, headers: HeaderList, message: string): Reply {
  return { status, headers: [...headers, ["Content-Type", "text/plain; charset=utf-8"]], body: [message] };
}

function sliceOf(content: Buffer, part: Part): string | Buffer {
  return typeof part === "string" ? part : content.subarray(part.start, part.end + 1);
}

function lengthOf(part: Part): number {
  return typeof part === "string" ? part.length : part.end + 1 - part.start;
}

function rangeOf({ start, end }: ByteRange, { size }: ServedFile): string {
  return `bytes ${start}-${end}/${size}`;
}

const OF_THE_WHOLE: ReadonlySet<string> = new Set(["content-type", "content-length"]);
