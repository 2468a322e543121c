/**
 * Who gives idle connections away, how many and to whom, where workers that stay hold very different numbers: one that
 * came later than its clients would else get none of theirs until they connect again. Pure: what the workers hold, what
 * has been done so far and the clock in, the next gift out.
 *
 * Invariants: nobody gives below the mean or gets above it; nobody gives before the unevenness has lasted; the next gift
 * waits until all have told what they hold since the last.
 */

import { FEW_CONNECTIONS } from "../worker-load.ts";
import type { Member } from "./balance.ts";

/** A worker that serves and stays. */
export interface Holder extends Member {
  /** Connections that it has, exactly as of its last report. */
  readonly open: number;
  /** When that came. */
  readonly heardAt: number;
}

/** `count` idle connections of `origin`, for others. */
export interface Gift {
  readonly origin: number;
  readonly count: number;
  /** The origin keeps as many, whatever it has been asked for. */
  readonly keep: number;
  /** How many of them each taker may get. */
  readonly shares: readonly { readonly taker: number; readonly count: number }[];
}

/** How far it has come. */
export interface Course {
  /** Since when somebody has held far more, or far fewer, than his share; undefined while nobody does. */
  readonly farSince: number | undefined;
  /** From the first gift until all hold much the same: when the last gift was made. */
  readonly giftAt: number | undefined;
  /** Nothing is given before, nor on what was told before `toldSince`. */
  readonly restsUntil: number;
  readonly toldSince: number;
}

export const AT_REST: Course = Object.freeze({
  farSince: undefined,
  giftAt: undefined,
  restsUntil: Number.NEGATIVE_INFINITY,
  toldSince: Number.NEGATIVE_INFINITY,
});

/** So much above the mean, or below, and `SLACK` more, is far from a share. */
const FAR = 0.5;
/** So much is near enough. */
const NEAR = 0.1;
const SLACK = 2;
/** What bursts of clients and benchmarks leave behind is mostly gone by then. */
const LASTING_MS = 5000;
/** What the other clients of the giver and of the takers wait for: so many moves, then a pause. */
const GIFT = 128;
const PAUSE_MS = 500;
/** Who has had none to give is asked again after this: its connections are busy, or cannot move. */
const VAIN_PAUSE_MS = 10_000;
/** Whoever could take them has no time, and it begins anew if it still has to. */
const ABANDONED_MS = 30_000;
/** A taker that is no busier than this, or than the giver, has time for more. */
const COMFORTABLE = 0.7;

/** What is to be given now, and how it stands. */
export function evenOut(
  holders: readonly Holder[],
  course: Course,
  now: number,
): { readonly course: Course; readonly gift: Gift | undefined } {
  const answering = holders.filter(({ isSilent }) => !isSilent);
  const isKnown = answering.every(({ heardAt }) => heardAt > course.toldSince);
  if (!isKnown || now < course.restsUntil) return { course, gift: undefined };
  const mean = answering.reduce((sum, { open }) => sum + open, 0) / answering.length;
  const isUneven = (by: number): boolean => answering.some(({ open }) => Math.abs(open - mean) > mean * by + SLACK);
  const farSince = mean >= FEW_CONNECTIONS && isUneven(FAR) ? (course.farSince ?? now) : undefined;
  const isOver = !isUneven(NEAR) || (course.giftAt !== undefined && now > course.giftAt + ABANDONED_MS);
  const giftAt = isOver ? undefined : course.giftAt;
  const isDue = giftAt !== undefined || (farSince !== undefined && now >= farSince + LASTING_MS);
  const gift = isDue ? largestGift(answering, mean) : undefined;
  return { course: { ...course, farSince, giftAt: gift === undefined ? giftAt : now }, gift };
}

/** How it stands when the last gift is over, of which `count` connections have been taken. */
export function afterGift(course: Course, count: number, now: number): Course {
  return { ...course, toldSince: now, restsUntil: now + (count === 0 ? VAIN_PAUSE_MS : PAUSE_MS) };
}

/** Whether it answers, accepts, and has room and time for connections of one that is so busy. */
export function mayTake({ isPaused, isAccepting, isFull, isSilent, utilization }: Member, giver: Member): boolean {
  return !isPaused && isAccepting && !isFull && !isSilent && utilization <= Math.max(COMFORTABLE, giver.utilization);
}

/** What the one that holds most can give to those that hold least; never more than makes one of them even. */
function largestGift(holders: readonly Holder[], mean: number): Gift | undefined {
  const ascending = holders.toSorted((a, b) => a.open - b.open);
  const origin = ascending.at(-1);
  if (origin === undefined) return undefined;
  let left = Math.min(GIFT, Math.floor(origin.open - mean));
  const shares: { taker: number; count: number }[] = [];
  for (const holder of ascending) {
    const count = Math.min(left, Math.floor(mean - holder.open));
    if (count < 1) break;
    if (!mayTake(holder, origin)) continue;
    shares.push({ taker: holder.id, count });
    left -= count;
  }
  const count = shares.reduce((sum, share) => sum + share.count, 0);
  return count === 0 ? undefined : { origin: origin.id, count, keep: Math.ceil(mean), shares };
}
