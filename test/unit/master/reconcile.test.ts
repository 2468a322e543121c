/** What is done next, as a matrix; generated histories are in pool-histories.test.ts. */

import { beforeEach, describe, expect, it } from "vitest";
import { type Action, nextAction } from "../../../src/master/reconcile.ts";
import { nextStep } from "../../../src/master/rollout.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";

const LIMITS = { surge: 1, bootTimeoutMs: 60_000, heartbeatTimeoutMs: 30_000, gracefulTimeoutMs: 30_000 };
const NO_JITTER = 0.5;

let now = 0;
let pool: WorkerPool;
let nextId = 1;

/** Does everything that is to be done and says what it was. */
function act(): string[] {
  const done: string[] = [];
  if (nextStep(pool, now) === "promote") pool.promoteRollout();
  if (nextStep(pool, now) === "done") pool.endRollout();
  for (let action = nextAction(pool, now); action !== undefined; action = nextAction(pool, now))
    done.push(perform(action));
  return done;
}

function perform(action: Action): string {
  switch (action.do) {
    case "spawn":
      pool.spawned(nextId++, 0, action.slot, action.generation, now);
      return `spawn ${nextId - 1} in slot ${action.slot}, generation ${action.generation}`;
    case "listen":
      pool.listenOrdered(action.id);
      return `listen ${action.id}`;
    case "drain":
      pool.draining(action.id, action.why, now);
      return `drain ${action.id}: ${action.why}`;
    case "quit":
      pool.quitting(action.id, "stop", now, 500);
      return `quit ${action.id}`;
    case "close-sockets":
      pool.socketsClosed();
      return "close sockets";
  }
}

function boot(...ids: number[]): void {
  for (const id of ids) {
    pool.loaded(id);
    pool.started(id, now);
  }
  act();
  for (const id of ids) pool.ready(id, now);
}

/** Two ready workers of generation 1. */
beforeEach(() => {
  now = 1000;
  nextId = 1;
  pool = new WorkerPool(2, LIMITS, now);
  pool.beginRollout(1, now);
});

function startAll(): void {
  act();
  boot(1);
  act();
  boot(2);
  act();
}

describe("at the first start", () => {
  it("one worker boots alone, and the rest follow when it is ready", () => {
    expect(act()).toEqual(["spawn 1 in slot 0, generation 1"]);
    pool.loaded(1);
    expect(act()).toEqual([]);
    pool.started(1, now);
    expect(act()).toEqual(["listen 1"]);
    pool.ready(1, now);
    expect(act()).toEqual(["spawn 2 in slot 1, generation 1"]);
  });
});

describe("at a reload", () => {
  beforeEach(() => {
    startAll();
    pool.beginRollout(2, now);
  });

  it("only the canary is touched until it has served for its time", () => {
    expect(act()).toEqual(["spawn 3 in slot 0, generation 2"]);
    pool.loaded(3);
    pool.started(3, now);
    expect(act()).toEqual([]);
    now += 1000;
    expect(act()).toEqual(["listen 3"]);
    pool.ready(3, now);
    now += 999;
    expect(act()).toEqual([]);
    now += 1;
    expect(act()).toEqual(["drain 1: reload"]);
  });

  it("the next slot waits for the last one's drain when the surge is one", () => {
    act();
    pool.started(3, now);
    now += 1000;
    act();
    pool.ready(3, now);
    now += 1000;
    act();
    expect(act()).toEqual([]);
    pool.exited(1, 0, null, now, NO_JITTER);
    expect(act()).toEqual(["spawn 4 in slot 1, generation 2"]);
  });

  it("a canary that fails changes nothing once the rollout is given up", () => {
    act();
    pool.exited(3, 1, null, now, NO_JITTER);
    pool.endRollout();
    expect(act()).toEqual([]);
    expect(pool.workers.map(({ id, generation }) => ({ id, generation }))).toEqual([
      { id: 1, generation: 1 },
      { id: 2, generation: 1 },
    ]);
  });

  it("canaries that fail say nothing about the slots of those who serve", () => {
    for (let reload = 2; reload < 6; reload++) {
      pool.beginRollout(reload, now);
      act();
      pool.exited(nextId - 1, 1, null, now, NO_JITTER);
      pool.endRollout();
    }
    expect(pool.degradedSlots()).toEqual([]);
    pool.exited(1, null, "SIGKILL", now, NO_JITTER);
    expect(act()).toEqual([`spawn ${nextId - 1} in slot 0, generation 1`]);
  });

  it("a newer reload takes the canary's place", () => {
    act();
    pool.beginRollout(3, now);
    expect(act()).toEqual(["drain 3: superseded"]);
    pool.exited(3, 0, null, now, NO_JITTER);
    expect(act()).toEqual(["spawn 4 in slot 0, generation 3"]);
  });

  it("a slot that dies meanwhile is filled with the generation in force", () => {
    act();
    pool.exited(2, null, "SIGKILL", now, NO_JITTER);
    expect(act()).toEqual(["spawn 4 in slot 1, generation 1"]);
  });
});

describe("one worker", () => {
  beforeEach(startAll);

  it("that died is replaced in its slot at once, the second time after a second", () => {
    pool.exited(2, 1, null, now, NO_JITTER);
    expect(act()).toEqual(["spawn 3 in slot 1, generation 1"]);
    pool.exited(3, 1, null, now, NO_JITTER);
    expect(act()).toEqual([]);
    now += 1000;
    expect(act()).toEqual(["spawn 4 in slot 1, generation 1"]);
  });

  it("that is unwanted is replaced before it drains, one at a time", () => {
    pool.unwanted(1, "unhealthy", now);
    pool.unwanted(2, "unhealthy", now);
    expect(act()).toEqual(["spawn 3 in slot 0, generation 1"]);
    boot(3);
    expect(act()).toEqual(["drain 1: unhealthy"]);
    expect(act()).toEqual([]);
    pool.exited(1, 0, null, now, NO_JITTER);
    expect(act()).toEqual(["spawn 4 in slot 1, generation 1"]);
  });

  it("that has waited longest is replaced first, whatever its slot", () => {
    pool.unwanted(2, "max requests", now);
    pool.unwanted(1, "max requests", now + 1);
    now += 5;
    expect(act()).toEqual(["spawn 3 in slot 1, generation 1"]);
    boot(3);
    expect(act()).toEqual(["drain 2: max requests"]);
    pool.exited(2, 0, null, now, NO_JITTER);
    expect(act()).toEqual(["spawn 4 in slot 0, generation 1"]);
    expect(pool.degradedSlots()).toEqual([]);
    expect(pool.slotHistory(1).failures).toBe(0);
  });

  it("that cannot be replaced stays, and another is tried at once, then after 1, 2, 4 s, however long it has been stable", () => {
    now += 120_000;
    pool.unwanted(2, "max age", now);
    for (const delayMs of [0, 0, 1000, 2000, 4000]) {
      if (delayMs > 0) expect(act()).toEqual([]);
      now += delayMs;
      pool.heartbeat(2, now);
      expect(act()).toEqual([`spawn ${nextId - 1} in slot 1, generation 1`]);
      pool.exited(nextId - 1, 1, null, now, NO_JITTER);
      pool.heartbeat(2, now);
    }
    expect(pool.worker(2)?.state.name).toBe("ready");
    expect(pool.degradedSlots()).toEqual([1]);
  });

  it("too many drains, but not before enough others serve", () => {
    pool.exited(1, 1, null, now, NO_JITTER);
    act();
    pool.resize(1, pool.limits);
    expect(act()).toEqual([]);
    boot(3);
    expect(act()).toEqual(["drain 2: scaled down"]);
  });
});

describe("at a stop", () => {
  beforeEach(startAll);

  it("after the shutdown delay the master gives up its sockets, once, and then everybody drains", () => {
    pool.beginStop({ kind: "graceful", serveUntil: now + 5000 });
    expect(act()).toEqual([]);
    now += 5000;
    expect(act()).toEqual(["close sockets", "drain 1: stop", "drain 2: stop"]);
    expect(act()).toEqual([]);
  });

  it("during the shutdown delay a worker that dies is replaced with the back-off of any other, and after it none is", () => {
    pool.beginStop({ kind: "graceful", serveUntil: now + 5000 });
    pool.exited(1, null, "SIGKILL", now, NO_JITTER);
    expect(act()).toEqual(["spawn 3 in slot 0, generation 1"]);
    boot(3);
    expect(act()).toEqual([]);
    pool.exited(3, 1, null, now, NO_JITTER);
    expect(act()).toEqual([]);
    now += 1000;
    expect(act()).toEqual(["spawn 4 in slot 0, generation 1"]);
    now += 4000;
    expect(act()).toEqual(["close sockets", "drain 2: stop", "drain 4: stop"]);
    pool.exited(2, 0, null, now, NO_JITTER);
    pool.exited(4, 0, null, now, NO_JITTER);
    now += 60_000;
    expect(act()).toEqual([]);
  });

  it("during the shutdown delay whoever does not serve yet leaves, if somebody else serves in its seat", () => {
    pool.unwanted(1, "max age", now);
    expect(act()).toEqual(["spawn 3 in slot 0, generation 1"]);
    pool.beginStop({ kind: "graceful", serveUntil: now + 5000 });
    expect(act()).toEqual(["drain 3: stop"]);
  });

  it("nobody waits for the shutdown delay of a server that has not served yet", () => {
    pool = new WorkerPool(2, LIMITS, now);
    pool.beginRollout(1, now);
    expect(act()).toEqual([`spawn ${nextId - 1} in slot 0, generation 1`]);
    pool.beginStop({ kind: "graceful", serveUntil: now + 5000 });
    expect(act()).toEqual(["close sockets", `drain ${nextId - 1}: stop`]);
  });

  it("a quick one ends those too that were draining", () => {
    pool.beginStop({ kind: "graceful", serveUntil: now });
    act();
    pool.beginStop({ kind: "quick", serveUntil: 0 });
    expect(act()).toEqual(["quit 1", "quit 2"]);
  });

  it("nobody is replaced", () => {
    pool.beginStop({ kind: "graceful", serveUntil: now });
    act();
    pool.exited(1, 1, null, now, NO_JITTER);
    expect(act()).toEqual([]);
  });
});
