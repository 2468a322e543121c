/**
 * Whether readings of one stream go together. The engine may refuse more than the others. It may never take what node:http
 * refuses, see another number of requests where nobody refuses, or read one of them differently than either does.
 */

import type { Reading, SeenRequest } from "./servers.ts";

/** What was made of one stream. */
export interface Readings {
  readonly engine: Reading;
  readonly node?: Reading | undefined;
  readonly nginx?: Reading | undefined;
}

/** What is wrong with how the engine read it, beside how the others did; undefined when nothing is. */
export function complaintAbout({ engine, node, nginx }: Readings): string | undefined {
  return (
    (node === undefined ? undefined : complaintBesideNode(engine, node)) ??
    (nginx === undefined ? undefined : complaintBesideNginx(engine, nginx))
  );
}

function complaintBesideNode(engine: Reading, other: Reading): string | undefined {
  for (let i = 0; i < Math.min(engine.requests.length, other.requests.length); i++) {
    const [ours, theirs] = [engine.requests[i] as SeenRequest, other.requests[i] as SeenRequest];
    const difference = differenceOf(ours, theirs, engine.refusal !== undefined);
    if (difference !== undefined) return `request ${i + 1} is read differently: ${difference}`;
  }
  const hasOtherLeft = other.hasEnded && other.refusal === undefined;
  if (engine.requests.length > other.requests.length && !hasOtherLeft) {
    return `request ${other.requests.length + 1} is taken, which the other does not take (${other.refusal ?? "it waits"})`;
  }
  // Who has ended the connection, in order or with a refusal, reads nothing any more, and its client knows.
  if (engine.refusal !== undefined || engine.hasEnded) return undefined;
  if (engine.requests.length < other.requests.length) return `request ${engine.requests.length + 1} is lost`;
  return other.refusal === undefined ? undefined : `the other refuses with ${other.refusal} what is left`;
}

/**
 * nginx shows a request when it has all of it, and refuses on its own account what others take (`OPTIONS *`, for one): what
 * it takes counts, not what it refuses.
 */
function complaintBesideNginx(engine: Reading, nginx: Reading): string | undefined {
  const whole = engine.requests.filter(({ isWhole }) => isWhole);
  for (let i = 0; i < Math.min(whole.length, nginx.requests.length); i++) {
    const difference = differenceOf(forNginx(whole[i]), forNginx(nginx.requests[i]), false);
    if (difference !== undefined) return `request ${i + 1} is read differently by nginx: ${difference}`;
  }
  if (whole.length > nginx.requests.length && nginx.refusal === undefined && !nginx.hasEnded) {
    return `request ${nginx.requests.length + 1} is taken, which nginx waits for`;
  }
  const next = nginx.requests[whole.length];
  // A line without a version is a whole request of HTTP/0.9 to nginx; the engine refuses it with the next byte.
  const isWaited = next !== undefined && !next.line.includes(" HTTP/");
  const hasEnded = engine.refusal !== undefined || engine.hasEnded || isWaited;
  return next !== undefined && !hasEnded ? `request ${whole.length + 1} is lost, which nginx takes` : undefined;
}

/** Without the headers that a proxy takes for its own, and with values as both trim them. */
function forNginx(request: SeenRequest | undefined): SeenRequest {
  const { line = "", headers = [], body, isWhole = false } = request ?? { body: undefined };
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    if (!OF_THE_PROXY.has(name.toLowerCase())) kept.push(name, value.replace(BLANKS_AROUND, ""));
  }
  return { line, headers: kept, body, isWhole };
}

const BLANKS_AROUND = /^[ \t]+|[ \t]+$/g;
const OF_THE_PROXY = new Set(
  "host connection content-length transfer-encoding expect upgrade keep-alive te trailer".split(" "),
);

function differenceOf(ours: SeenRequest, theirs: SeenRequest, isRefused: boolean): string | undefined {
  if (ours.line !== theirs.line) return `${JSON.stringify(ours.line)} and ${JSON.stringify(theirs.line)}`;
  const isBodyDifferent =
    ours.body === undefined
      ? theirs.body !== undefined && !isRefused
      : theirs.body === undefined
        ? !theirs.isWhole
        : ours.body !== theirs.body;
  if (isBodyDifferent) return `the bodies ${JSON.stringify(ours.body)} and ${JSON.stringify(theirs.body)}`;
  const [mine, other] = [JSON.stringify(ours.headers), JSON.stringify(theirs.headers)];
  return mine === other ? undefined : `the headers ${mine} and ${other}`;
}
