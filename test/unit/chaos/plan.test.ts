/** What a seed means: the same for ever, everything that may happen, and nothing whose outcome would be a matter of luck. */

import { describe, expect, test } from "vitest";
import { CATALOGUE } from "../../chaos/catalogue.ts";
import { ENDINGS } from "../../chaos/endings.ts";
import { planLife } from "../../chaos/plan.ts";
import type { LifePlan, Scene } from "../../chaos/plan.ts";

const LIVES = Array.from({ length: 300 }, (_, index) => planLife(1 + (index % 30), 1 + Math.floor(index / 30)));
const SCENES = LIVES.flatMap(({ scenes }) => scenes);

/** Everything but the functions. */
const asText = (plan: LifePlan): string => JSON.stringify(plan);

describe("a seed", () => {
  test("is always the same plan, whatever was planned before", () => {
    const [first] = LIVES;
    expect(asText(planLife(1, 1))).toBe(first && asText(first));
    expect(new Set(LIVES.map(asText)).size).toBe(LIVES.length);
  });

  test("plays the same scenes when fewer of them are asked for", () => {
    for (const life of LIVES.slice(0, 30)) {
      const begun = planLife(life.seed, life.life, { scenes: 3 });
      expect(JSON.stringify(begun.scenes)).toBe(JSON.stringify(life.scenes.slice(0, 3)));
    }
  });
});

describe("among three hundred lives", () => {
  const namesOf = (scenes: readonly Scene[]): Set<string> =>
    new Set(scenes.flatMap(({ acts }) => acts.map(({ event }) => event.name)));

  test("every kind of event occurs, alone and together with others", () => {
    const all = new Set(CATALOGUE.map(({ name }) => name));
    expect(namesOf(SCENES.filter(({ acts }) => acts.length === 1))).toEqual(all);
    expect(namesOf(SCENES.filter(({ acts }) => acts.length > 1))).toEqual(all);
  });

  test("every ending, kind of application and kind of address occurs", () => {
    expect(new Set(LIVES.map(({ ending }) => ending.name))).toEqual(new Set(ENDINGS.map(({ name }) => name)));
    expect(new Set(LIVES.map(({ shape }) => shape.kind)).size).toBe(5);
    expect(new Set(LIVES.map(({ shape }) => shape.binds.join(" "))).size).toBe(4);
  });
});

describe("in every scene", () => {
  test("nothing that depends on what is on disk meets a broken deployment", () => {
    for (const { acts } of SCENES) {
      const groups = acts.map(({ event }) => event.group);
      if (groups.includes("break"))
        expect(groups.filter((group) => ["loss", "scale", "deploy"].includes(group))).toEqual([]);
      expect(groups.filter((group) => ["deploy", "resize", "break"].includes(group)).length).toBeLessThan(2);
    }
  });

  test("the number of workers stays between one and five", () => {
    for (const { after } of SCENES) {
      expect(after.target).toBeGreaterThanOrEqual(1);
      expect(after.target).toBeLessThanOrEqual(5);
    }
  });

  test("no more workers are lost between two reloads than the back-off forgives within seconds", () => {
    for (const { after } of SCENES) expect(after.losses).toBeLessThanOrEqual(5);
  });

  test("every deployment is a version of its own", () => {
    for (const { before, after } of SCENES) {
      expect(after.deployed).toBeGreaterThanOrEqual(before.deployed);
      expect(after.version).toBeLessThanOrEqual(after.deployed);
    }
  });
});

test("a plan may be narrowed down to some events and one ending", () => {
  const { scenes, ending } = planLife(7, 1, { only: ["reload"], scenes: 4, ending: "kill of the master" });
  expect(scenes.map(({ acts }) => acts.map(({ event }) => event.name))).toEqual(scenes.map(() => ["reload"]));
  expect(scenes).toHaveLength(4);
  expect(ending.name).toBe("kill of the master");
});
