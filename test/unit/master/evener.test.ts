/** When workers are asked for connections, and to whom these go, as workers come and go in between. */

import { describe, expect, it } from "vitest";
import { Balancer } from "../../../src/master/balancer.ts";
import { Evener } from "../../../src/master/evener.ts";
import { WorkerPool } from "../../../src/master/worker-pool.ts";
import type { Order } from "../../../src/messages.ts";

const LIMITS = { surge: 1, bootTimeoutMs: 0, heartbeatTimeoutMs: 30_000, gracefulTimeoutMs: 1000 };
const NOBODY: ReadonlySet<number> = new Set();

/** Two workers of which the first has all connections, and what they are told. */
class Setting {
  now = 0;
  readonly pool = new WorkerPool(2, LIMITS, 0);
  readonly asked: { readonly id: number; readonly gift: number; readonly count: number }[] = [];
  readonly records: object[] = [];
  readonly balancer: Balancer;
  readonly evener: Evener;
  readonly #open = new Map<number, number>();

  constructor(...open: readonly number[]) {
    const send = (id: number, order: Order): void => {
      if (order.tsgate === "give-connections") this.asked.push({ id, gift: order.gift, count: order.count });
    };
    const journal = {
      paused: () => {},
      resumed: () => {},
      given: (_worker: object, connections: number) => void this.records.push({ connections }),
      evened: (fields: object) => void this.records.push(fields),
    };
    this.balancer = new Balancer({ pool: this.pool, crew: { send }, journal });
    this.evener = new Evener({ pool: this.pool, crew: { send }, balancer: this.balancer, journal });
    this.pool.beginRollout(1, 0);
    for (const [slot, count] of open.entries()) this.start(slot + 1, slot, count);
    this.pool.promoteRollout();
    this.pool.endRollout();
  }

  start(id: number, slot: number, open: number): void {
    this.pool.spawned(id, id, slot, 1, this.now);
    this.pool.ready(id, this.now);
    this.#open.set(id, open);
  }

  hold(id: number, open: number): void {
    this.#open.set(id, open);
  }

  /** Each second everybody tells what he holds. */
  pass(seconds: number, silent?: number): void {
    for (let count = 0; count < seconds; count++) {
      this.now += 1000;
      this.balancer.settle(this.now);
      for (const [id, open] of this.#open) {
        const load = { connections: open, open, utilization: 0, isAccepting: true, isFull: false };
        if (id !== silent) this.balancer.heard(id, load, this.now);
      }
      this.balancer.settle(this.now);
      this.evener.settle(this.now);
    }
  }

  takerFor(origin: number, gift: number, late = NOBODY): number | undefined {
    return this.evener.takerFor(origin, gift, late, this.now);
  }
}

describe("a worker that holds far more than its share", () => {
  it("is asked for what others lack, and again when all have told what they hold since then", () => {
    const setting = new Setting(300, 0);
    setting.pass(6);
    expect(setting.asked).toEqual([{ id: 1, gift: 1, count: 128 }]);
    setting.pass(20);
    expect(setting.asked).toHaveLength(1);
    setting.evener.given(1, 1, 128, setting.now);
    setting.hold(1, 172);
    setting.hold(2, 128);
    setting.pass(2);
    expect(setting.asked.at(-1)).toEqual({ id: 1, gift: 2, count: 22 });
    setting.evener.given(1, 2, 22, setting.now);
    setting.hold(1, 150);
    setting.hold(2, 150);
    setting.pass(60);
    expect(setting.asked).toHaveLength(2);
    expect(setting.records).toEqual([
      { connections: 128 },
      { connections: 22 },
      { connections: 150, tookMs: expect.any(Number) as number, held: [150, 150] },
    ]);
  });

  it.each<[when: string, arrange: (setting: Setting) => void]>([
    ["while the server stops", ({ pool }) => pool.beginStop({ kind: "graceful", serveUntil: 1_000_000 })],
    ["during a reload", ({ pool, now }) => pool.beginRollout(2, now)],
    ["while a worker is to be replaced", ({ pool, now }) => pool.unwanted(2, "max age", now)],
    ["while a worker drains", ({ pool, now }) => pool.draining(2, "scaled down", now)],
    ["alone", ({ pool }) => pool.resize(1, LIMITS)],
  ])("is not asked %s", (_when, arrange) => {
    const setting = new Setting(300, 0);
    arrange(setting);
    setting.pass(60);
    expect(setting.asked).toEqual([]);
  });

  it("is asked although another one cannot start", () => {
    const setting = new Setting(300, 0);
    setting.pool.resize(3, LIMITS);
    setting.pool.spawned(3, 3, 2, 1, setting.now);
    setting.pass(6);
    expect(setting.asked).toHaveLength(1);
  });

  it("that stands still is not waited for", () => {
    const setting = new Setting(300, 0, 300);
    setting.pass(6);
    expect(setting.asked).toEqual(
      [{ id: 1, gift: 1, count: 100 }].map((one) => ({ ...one, id: expect.any(Number) as number })),
    );
    const origin = setting.asked[0]?.id ?? 0;
    setting.pass(20, origin);
    expect(setting.asked[1]).toMatchObject({ gift: 2 });
    expect(setting.asked[1]?.id).not.toBe(origin);
    expect(setting.takerFor(origin, 1)).toBeUndefined();
  });
});

describe("a connection that is offered for a gift", () => {
  const asked = (): Setting => {
    const setting = new Setting(20, 0);
    setting.pass(6);
    expect(setting.asked).toEqual([{ id: 1, gift: 1, count: 10 }]);
    return setting;
  };

  it("goes to the taker until that has its share", () => {
    const setting = asked();
    const takers = Array.from({ length: 11 }, () => setting.takerFor(1, 1));
    expect(takers).toEqual([...Array<number>(10).fill(2), undefined]);
    expect(setting.balancer.holders(setting.now).map(({ open }) => open)).toEqual([20, 10]);
  });

  it.each<[when: string, arrange: (setting: Setting) => void]>([
    ["when the taker dies", ({ pool, now }) => void pool.exited(2, null, "SIGKILL", now, 0, false)],
    ["when the taker stands still", (setting) => setting.pass(3, 2)],
    ["when a reload begins", ({ pool, now }) => pool.beginRollout(2, now)],
    ["when its worker is to leave", ({ pool, now }) => pool.unwanted(1, "max requests", now)],
    ["when the server stops", ({ pool }) => pool.beginStop({ kind: "graceful", serveUntil: 1_000_000 })],
    ["when the gift is over", ({ evener, now }) => evener.given(1, 1, 3, now)],
  ])("stays where it is %s", (_when, arrange) => {
    const setting = asked();
    arrange(setting);
    expect(setting.takerFor(1, 1)).toBeUndefined();
  });

  it("stays where it is when the taker is late, or somebody else offers it", () => {
    const setting = asked();
    expect(setting.takerFor(1, 1, new Set([2]))).toBeUndefined();
    expect(setting.takerFor(2, 1)).toBeUndefined();
    expect(setting.takerFor(1, 2)).toBeUndefined();
    expect(setting.takerFor(1, 1)).toBe(2);
  });
});
