/**
 * Whether two readings of one stream go together. The engine may refuse more than the others. It may never take what all
 * the others refuse, see another number of requests where nobody refuses, or read one of them differently.
 */

import type { Reading, SeenRequest } from "./servers.ts";

/** What is wrong with how `engine` read it, beside how the others did; undefined when nothing is. */
export function complaintAbout(engine: Reading, others: readonly Reading[]): string | undefined {
  const complaints = others.map((other) => complaintBeside(engine, other));
  // What one of the others takes as well, in the same reading, is a matter of taste and not of smuggling.
  return complaints.every((complaint) => complaint !== undefined) ? complaints[0] : undefined;
}

function complaintBeside(engine: Reading, other: Reading): string | undefined {
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
