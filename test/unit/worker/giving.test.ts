/** Which connections a worker gives away, how many at a time, and when it stops. */

import { expect, it } from "vitest";
import { CoarseClock } from "../../../src/worker/coarse-clock.ts";
import type { Connection } from "../../../src/worker/connection.ts";
import { Giving } from "../../../src/worker/giving.ts";
import type { OfferEnd, Offering } from "../../../src/worker/handover.ts";

interface Facts {
  readonly name: number;
  readonly openedAt: number;
  isIdle: boolean;
  readonly isAtRest: boolean;
  readonly isMovable: boolean;
  readonly isMarked: boolean;
}

const NOW = 10_000;

/** A worker that has these connections, and what becomes of those that it offers. */
class Setting {
  readonly open: Facts[];
  readonly offered: number[] = [];
  readonly told: { readonly gift: number; readonly count: number }[] = [];
  mostAtOnce = 0;
  #underway = 0;
  readonly giving: Giving;

  constructor(
    count: number,
    change: (name: number) => Partial<Facts> = () => ({}),
    end: (nth: number) => OfferEnd = () => "taken",
  ) {
    this.open = Array.from({ length: count }, (_, name) => ({
      name,
      openedAt: 0,
      isIdle: true,
      isAtRest: true,
      isMovable: true,
      isMarked: false,
      ...change(name),
    }));
    const { open } = this;
    const offer = (connection: Connection, { gift, ended }: Offering): void => {
      expect(gift).toBe(1);
      const one = connection as unknown as Facts;
      this.offered.push(one.name);
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underway);
      const how = end(this.offered.length);
      setImmediate(() => {
        this.#underway--;
        if (how === "taken") open.splice(open.indexOf(one), 1);
        ended(connection, how);
      });
    };
    let time = 0;
    const clock = new CoarseClock(() => time);
    time = NOW;
    this.giving = new Giving({
      connections: {
        all: () => open as unknown as Connection[],
        clock,
        get size() {
          return open.length;
        },
      },
      handover: { offer },
      tell: ({ gift, count }) => void this.told.push({ gift, count }),
    });
  }

  async give(count: number, keep: number): Promise<void> {
    await this.giving.give({ tsgate: "give-connections", gift: 1, count, keep });
  }
}

it("they are a sample of all, a few at a time, and it is told how many were taken", async () => {
  const setting = new Setting(100);
  await setting.give(20, 50);
  expect(setting.offered).toEqual(Array.from({ length: 20 }, (_, index) => index * 5));
  expect(setting.mostAtOnce).toBe(8);
  expect(setting.told).toEqual([{ gift: 1, count: 20 }]);
});

it.each<[which: string, change: Partial<Facts>]>([
  ["that are busy", { isIdle: false }],
  ["that have said nothing yet", { isAtRest: false }],
  ["that cannot move", { isMovable: false }],
  ["of which the application knows more", { isMarked: true }],
  ["that have just come", { openedAt: NOW - 1000 }],
])("none %s", async (_which, change) => {
  const setting = new Setting(40, (name) => (name % 2 === 0 ? change : {}));
  await setting.give(30, 10);
  expect(setting.offered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index * 2 + 1));
  expect(setting.told).toEqual([{ gift: 1, count: 20 }]);
});

it("not more than what is to be kept allows, also when others close meanwhile", async () => {
  const setting = new Setting(30, undefined, (nth) => {
    if (nth === 1) setting.open.splice(20, 10);
    return "taken";
  });
  await setting.give(20, 12);
  expect(setting.open.length).toBeGreaterThanOrEqual(12);
  expect(setting.told).toEqual([{ gift: 1, count: setting.offered.length }]);
});

it("no more when one was not wanted, and one that was busy by then is passed over", async () => {
  const setting = new Setting(40, undefined, (nth) => (nth === 3 ? "later" : nth === 12 ? "left" : "taken"));
  await setting.give(40, 0);
  expect(setting.offered).toHaveLength(16);
  expect(setting.told).toEqual([{ gift: 1, count: 14 }]);
});

it("of nothing it tells so", async () => {
  const setting = new Setting(10);
  await setting.give(5, 10);
  expect(setting.told).toEqual([{ gift: 1, count: 0 }]);
});
