/** Many streams, one seed: finds those that the engine reads as no other server does. */

import { Random } from "./random.ts";
import type { Reader } from "./servers.ts";
import { makeStream } from "./streams.ts";
import { complaintAbout, type Readings } from "./verdict.ts";

export interface Finding extends Readings {
  readonly complaint: string;
  readonly pieces: readonly string[];
}

export interface Outcome {
  readonly cases: number;
  /** In how many pieces they were sent, and how many whole requests the engine found in them. */
  readonly pieces: number;
  readonly requests: number;
  /** Streams taken as a whole by the engine, refused by it, by how it refused them, and refused by it alone. */
  readonly taken: number;
  readonly refused: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly refusedAlone: number;
  /** Streams of which one of the others alone refused something that the engine took. */
  readonly refusedByOthers: number;
  readonly findings: readonly Finding[];
}

export interface Campaign {
  readonly seed: number;
  readonly cases: number;
  readonly engine: Reader;
  readonly node?: Reader;
  readonly nginx?: Reader | undefined;
  /** Ends the campaign with the first finding, or before its cases are through. */
  readonly stopsAtFinding?: boolean;
  readonly untilMs?: number;
}

const AT_ONCE = 100;

export async function run(campaign: Campaign): Promise<Outcome> {
  const random = new Random(campaign.seed);
  const endsAt = performance.now() + (campaign.untilMs ?? Infinity);
  const tally = new Tally();
  while (tally.cases < campaign.cases && performance.now() < endsAt) {
    const streams = Array.from({ length: Math.min(AT_ONCE, campaign.cases - tally.cases) }, () => makeStream(random));
    await Promise.all(streams.map(async (pieces) => tally.add(pieces, await readAll(campaign, pieces))));
    if (campaign.stopsAtFinding === true && tally.findings.length > 0) break;
  }
  return tally;
}

async function readAll({ engine, node, nginx }: Campaign, pieces: readonly string[]): Promise<Readings> {
  const [ours, ofNode, ofNginx] = await Promise.all([engine(pieces), node?.(pieces), nginx?.(pieces)]);
  return { engine: ours, node: ofNode, nginx: ofNginx };
}

class Tally implements Outcome {
  cases = 0;
  pieces = 0;
  requests = 0;
  taken = 0;
  refused = 0;
  refusedAlone = 0;
  refusedByOthers = 0;
  readonly refusals: Record<string, number> = {};
  readonly findings: Finding[] = [];

  add(pieces: readonly string[], readings: Readings): void {
    const { engine, node, nginx } = readings;
    const { refusal } = engine;
    this.cases++;
    this.pieces += pieces.length;
    this.requests += engine.requests.filter(({ isWhole }) => isWhole).length;
    const isRefusedElsewhere = node?.refusal !== undefined || nginx?.refusal !== undefined;
    if (refusal === undefined) {
      this.taken++;
      if (isRefusedElsewhere) this.refusedByOthers++;
    } else {
      this.refused++;
      this.refusals[refusal] = (this.refusals[refusal] ?? 0) + 1;
      if (!isRefusedElsewhere) this.refusedAlone++;
    }
    const complaint = complaintAbout(readings);
    if (complaint !== undefined) this.findings.push({ complaint, pieces, ...readings });
  }
}
