/** Many streams, one seed: finds those that the engine reads as no other server does. */

import { Random } from "./random.ts";
import type { Reader, Reading } from "./servers.ts";
import { makeStream } from "./streams.ts";
import { complaintAbout } from "./verdict.ts";

export interface Finding {
  readonly complaint: string;
  readonly pieces: readonly string[];
  readonly engine: Reading;
  readonly others: readonly Reading[];
}

export interface Outcome {
  readonly cases: number;
  /** Of them: taken as a whole by the engine, refused by it, and refused by it alone. */
  readonly taken: number;
  readonly refused: number;
  readonly refusedAlone: number;
  readonly findings: readonly Finding[];
}

export interface Campaign {
  readonly seed: number;
  readonly cases: number;
  readonly engine: Reader;
  readonly others: readonly Reader[];
  /** Ends the campaign with the first finding, or before its cases are through. */
  readonly stopsAtFinding?: boolean;
  readonly untilMs?: number;
}

const AT_ONCE = 100;

export async function run(campaign: Campaign): Promise<Outcome> {
  const random = new Random(campaign.seed);
  const endsAt = performance.now() + (campaign.untilMs ?? Infinity);
  const findings: Finding[] = [];
  const outcome = { cases: 0, taken: 0, refused: 0, refusedAlone: 0 };
  while (outcome.cases < campaign.cases && performance.now() < endsAt) {
    const streams = Array.from({ length: Math.min(AT_ONCE, campaign.cases - outcome.cases) }, () => makeStream(random));
    await Promise.all(
      streams.map(async (pieces) => {
        const [engine, ...others] = await Promise.all(
          [campaign.engine, ...campaign.others].map((read) => read(pieces)),
        );
        if (engine === undefined) return;
        outcome.cases++;
        if (engine.refusal === undefined) outcome.taken++;
        else outcome.refused++;
        if (engine.refusal !== undefined && others.every(({ refusal }) => refusal === undefined))
          outcome.refusedAlone++;
        const complaint = complaintAbout(engine, others);
        if (complaint !== undefined) findings.push({ complaint, pieces, engine, others });
      }),
    );
    if (campaign.stopsAtFinding === true && findings.length > 0) break;
  }
  return { ...outcome, findings };
}
