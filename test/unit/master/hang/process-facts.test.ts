import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import {
  catchesSignal,
  parseStat,
  type ProcessFacts,
  processFacts,
} from "../../../../src/master/hang/process-facts.ts";

const REST = "1 22 22 0 -1 4194560 3321 0 0 0 150 25 3 4 20 0 11 0 5100 650000 12000";

describe("/proc/PID/stat", () => {
  it.each([
    ["node", "R"],
    ["tsgate: worker 0", "S"],
    ["a) R 9 (b", "T"],
  ])("of a process named %j tells its state and its CPU time", (name, state) => {
    expect(parseStat(`22 (${name}) ${state} ${REST}`)).toEqual({ state, cpuMs: 1750 });
  });

  it.each(["", "22 (node)", "22 (node) R"])("that is cut short (%j) tells nothing", (text) => {
    expect(parseStat(text)).toBeUndefined();
  });
});

describe("the signals that a process catches", () => {
  const status = (mask: string): string => `Name:\tnode\nSigIgn:\t0000000001001000\nSigCgt:\t${mask}\nCapInh:\t0\n`;

  it.each([
    ["0000000100004602", true],
    ["0000000100004402", false],
    ["0000000000000200", true],
    ["0000000000000000", false],
    ["fffffffffffffdff", false],
    ["ffffffffffffffff", true],
  ])("%s: SIGUSR1 is among them: %s", (mask, isCaught) => {
    expect(catchesSignal(status(mask), 10)).toBe(isCaught);
  });

  it("are none when the process has gone", () => {
    expect(catchesSignal("", 10)).toBe(false);
  });
});

describe.skipIf(process.platform !== "linux")("a process", () => {
  it("that sleeps is found to sleep, with the child it has started", async () => {
    const child = spawn("/bin/sh", ["-c", "sleep 61 & echo begun; wait"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      await once(child.stdout, "data");
      // It says that it has begun before it sleeps, and its child has begun before it is what it was started as.
      let facts: ProcessFacts | undefined;
      const look = async (): Promise<unknown> => (facts = await processFacts(child.pid ?? 0));
      await expect.poll(look).toMatchObject({ state: "S", children: [{ command: "sleep 61" }] });
      for (const { pid } of facts?.children ?? []) process.kill(pid);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("that has gone is not known", async () => {
    expect(await processFacts(0)).toBeUndefined();
  });
});
