/**
 * Which workers stop accepting for a while, so that long-lived connections spread evenly: a socket that all workers share
 * gives more to those that the kernel wakes first. Pure: asked again after each change until it has nothing to say.
 *
 * Invariants: nobody is paused unless another surely accepts; the least loaded is never paused; nobody is paused when
 * those who would go on accepting have no time for what all do now.
 */

import { FEW_CONNECTIONS } from "../worker-load.ts";

/** A worker that serves, as far as balance goes. */
export interface Member {
  readonly id: number;
  readonly connections: number;
  /** For how much of the time its event loop has been busy lately: 0 … 1. */
  readonly utilization: number;
  /** It was told to pause; what it does about it comes later. */
  readonly isPaused: boolean;
  /** When it was last told to pause. */
  readonly pausedAt: number;
  /** By its own word it listens. */
  readonly isAccepting: boolean;
  /** It holds all the connections that it may. */
  readonly isFull: boolean;
  /** It owes a sign of life: it may stand still, and accept nothing. */
  readonly isSilent: boolean;
}

export interface BalanceChange {
  readonly do: "pause" | "resume";
  readonly id: number;
}

/** Above this much of the mean, and `SLACK` more, a worker has more than its share; as far below it, less. */
const SHARE = 0.1;
/** A difference of so few connections is none. */
const SLACK = 2;
/** A worker is paused at most this often: what short connections do to the counts must not cost more than they. */
const PAUSE_EVERY_MS = 100;
/** How busy those who go on accepting may become, when all that is done now comes to them. */
const COMFORTABLE = 0.7;
/** How busy they may be before the paused have to help. */
const CROWDED = 0.9;

/** The next worker to pause or resume, if any. */
export function nextChange(members: readonly Member[], now: number): BalanceChange | undefined {
  const able = members.filter(({ isFull, isSilent }) => !isFull && !isSilent);
  const mean = able.reduce((sum, member) => sum + counted(member), 0) / able.length;
  return nextResume(able, mean) ?? nextPause(able, mean, busy(members), now);
}

function nextResume(able: readonly Member[], mean: number): BalanceChange | undefined {
  const accepting = able.filter(({ isPaused }) => !isPaused);
  const isHelpNeeded = !accepting.some(isSure) || busy(accepting) > CROWDED * accepting.length;
  const least = leastLoaded(able.filter(({ isPaused }) => isPaused));
  if (least === undefined || !(isHelpNeeded || counted(least) <= mean)) return undefined;
  return { do: "resume", id: least.id };
}

function nextPause(able: readonly Member[], mean: number, work: number, now: number): BalanceChange | undefined {
  const sure = able.filter((member) => isSure(member));
  if (sure.length < 2 || work > COMFORTABLE * (sure.length - 1)) return undefined;
  const isAnyBehind = sure.some((member) => counted(member) < mean * (1 - SHARE) - SLACK);
  const limit = isAnyBehind ? mean + SLACK : mean * (1 + SHARE) + SLACK;
  const member = sure.find((one) => counted(one) > limit && one.pausedAt + PAUSE_EVERY_MS <= now);
  return member && { do: "pause", id: member.id };
}

function busy(members: readonly Member[]): number {
  return members.reduce((sum, { utilization }) => sum + utilization, 0);
}

function isSure({ isPaused, isAccepting }: Member): boolean {
  return !isPaused && isAccepting;
}

function counted({ connections }: Member): number {
  return Math.max(connections, FEW_CONNECTIONS);
}

function leastLoaded(members: readonly Member[]): Member | undefined {
  return members.reduce<Member | undefined>(
    (least, member) => (least === undefined || counted(member) < counted(least) ? member : least),
    undefined,
  );
}
