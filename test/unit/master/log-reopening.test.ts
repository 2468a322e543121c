import { describe, expect, it } from "vitest";
import { LogReopening } from "../../../src/master/log-reopening.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

const LIMITS = { surge: 1, bootTimeoutMs: 0, heartbeatTimeoutMs: 0, gracefulTimeoutMs: 0 };

function started(ids: readonly number[]): {
  pool: WorkerPool;
  sent: number[];
  said: string[];
  reopening: LogReopening;
} {
  const pool = new WorkerPool(ids.length, LIMITS, 0);
  pool.beginRollout(1, 0);
  for (const id of ids) pool.spawned(id, 1000 + id, id, 1, 0);
  const [sent, said]: [number[], string[]] = [[], []];
  const reopening = new LogReopening({
    workers: () => pool.workers,
    send: (id) => sent.push(id),
    log: (_level, msg) => said.push(msg),
  });
  return { pool, sent, said, reopening };
}

describe("logs that were moved away", () => {
  it("are reopened when the last worker has said so", () => {
    const { pool, sent, said, reopening } = started([1, 2, 3]);
    for (const id of [1, 2, 3]) pool.greeted(id);
    reopening.begin();
    expect(sent).toEqual([1, 2, 3]);
    reopening.done(1);
    reopening.done(3);
    expect(said).toEqual([]);
    reopening.done(2);
    expect(said).toEqual(["logs reopened"]);
    reopening.done(2);
    expect(said).toHaveLength(1);
  });

  it("are not waited for in a worker that has not said hello: it has opened none", () => {
    const { pool, sent, said, reopening } = started([1, 2]);
    pool.greeted(1);
    reopening.begin();
    expect(sent).toEqual([1]);
    reopening.done(1);
    expect(said).toEqual(["logs reopened"]);
  });

  it("are reopened at once when nobody has any", () => {
    const { said, reopening } = started([]);
    reopening.begin();
    expect(said).toEqual(["logs reopened"]);
  });

  it("twice, are reopened when everybody has done so twice, or has gone", () => {
    const { pool, sent, said, reopening } = started([1, 2]);
    for (const id of [1, 2]) pool.greeted(id);
    reopening.begin();
    reopening.begin();
    expect(sent).toEqual([1, 2, 1, 2]);
    for (const id of [1, 2, 1]) reopening.done(id);
    expect(said).toEqual([]);
    reopening.gone(2);
    expect(said).toEqual(["logs reopened"]);
  });
});
