/** Conditional requests: which header counts, and what comes of it (RFC 9110 sections 13.1 and 13.2.2). Pure. */

import type { FileRequest } from "./file-request.ts";

/** What identifies a version of a file. */
export interface Validators {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** In whole seconds since 1970. */
  readonly modifiedSeconds: number;
}

/** What a GET or HEAD of the file is to be answered: as it is, 304 or 412. */
export function precondition(request: FileRequest, file: Validators): "proceed" | "not modified" | "failed" {
  const { HTTP_IF_MATCH: ifMatch, HTTP_IF_NONE_MATCH: ifNoneMatch } = request;
  if (ifMatch !== undefined) {
    if (!names(ifMatch, (tag) => tag === file.etag)) return "failed";
  } else if (request.HTTP_IF_UNMODIFIED_SINCE !== undefined) {
    if (file.modifiedSeconds > secondsOf(request.HTTP_IF_UNMODIFIED_SINCE)) return "failed";
  }
  if (ifNoneMatch !== undefined)
    return names(ifNoneMatch, (tag) => tag.replace("W/", "") === file.etag) ? "not modified" : "proceed";
  const since = request.HTTP_IF_MODIFIED_SINCE;
  return since !== undefined && file.modifiedSeconds <= secondsOf(since) ? "not modified" : "proceed";
}

/** Whether ranges may be answered: `If-Range` is not there, or names exactly this version. */
export function allowsRanges(ifRange: string | undefined, file: Validators): boolean {
  if (ifRange === undefined) return true;
  return ifRange.includes('"') ? ifRange.trim() === file.etag : secondsOf(ifRange) === file.modifiedSeconds;
}

function names(list: string, isMeant: (tag: string) => boolean): boolean {
  if (list.trim() === "*") return true;
  return (list.match(TAG) ?? []).some((tag) => isMeant(tag));
}

/** NaN for what is no date, which no comparison holds for. */
function secondsOf(date: string): number {
  return DATE.test(date) ? Math.floor(Date.parse(date.endsWith("GMT") ? date : `${date} GMT`) / 1000) : Number.NaN;
}

const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;
/** The three forms of a date, all of which begin with a day of the week (RFC 9110 section 5.6.7). */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]+$/;
