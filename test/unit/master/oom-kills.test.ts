/** The counter of kills for lack of memory, in made-up cgroups; test/integration/containers.test.ts has real ones. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OomKills } from "../../../src/master/oom-kills.ts";
import { temporaryTree } from "../config/temporary-tree.ts";

interface Cgroup {
  readonly kills: OomKills;
  readonly set: (count: number) => void;
}

const VERSIONS = [
  {
    version: 2,
    membership: "0::/app\n",
    file: "sys/app/memory.events",
    text: (count: number) => `low 0\nhigh 0\nmax 3\noom 1\noom_kill ${count}\noom_group_kill 0\n`,
  },
  {
    version: 1,
    membership: "4:memory:/app\n",
    file: "sys/memory/app/memory.oom_control",
    text: (count: number) => `oom_kill_disable 0\nunder_oom 0\noom_kill ${count}\n`,
  },
];

function cgroup({ membership, file, text }: (typeof VERSIONS)[number], count: number): Cgroup {
  const root = temporaryTree({ "proc/cgroup": membership, [file]: text(count) });
  const kills = new OomKills(0, { procSelf: join(root, "proc"), cgroupRoot: join(root, "sys") });
  return { kills, set: (next) => writeFileSync(join(root, file), text(next)) };
}

describe.each(VERSIONS)("under cgroups of version $version", (version) => {
  it("a death is explained when the counter has just risen, once for each kill", () => {
    const { kills, set } = cgroup(version, 5);
    expect(kills.explains(100)).toBe(false);
    set(7);
    expect([kills.explains(200), kills.explains(210), kills.explains(220)]).toEqual([true, true, false]);
  });

  it("what was seen while watching explains a death that is seen a moment later, and none long after", () => {
    const { kills, set } = cgroup(version, 0);
    set(1);
    kills.watch(5000);
    expect(kills.explains(5100)).toBe(true);
    set(2);
    kills.watch(9000);
    expect(kills.explains(12_000)).toBe(false);
  });

  it("kills that nobody here died of are not kept", () => {
    const { kills, set } = cgroup(version, 0);
    set(9);
    kills.watch(2000);
    set(10);
    kills.watch(10_000);
    expect([kills.explains(10_001), kills.explains(10_002)]).toEqual([true, false]);
  });

  it("the counter is not read more often than every second", () => {
    const { kills, set } = cgroup(version, 0);
    kills.watch(1000);
    set(1);
    kills.watch(1999);
    set(0);
    kills.watch(2000);
    expect(kills.explains(2001)).toBe(false);
  });
});

it("without a counter nothing is explained", () => {
  const root = temporaryTree({ "proc/cgroup": "0::/\n" });
  const kills = new OomKills(0, { procSelf: join(root, "proc"), cgroupRoot: join(root, "sys") });
  kills.watch(5000);
  expect(kills.explains(5001)).toBe(false);
});
