/** The user's code in the master may not end the process, and the process gets its exit back. */

import { afterEach, describe, expect, test } from "vitest";
import { usageError } from "../../src/errors.ts";
import { withoutExit } from "../../src/user-code.ts";

const REFUSED = usageError("it must not end the process");
const host: { exit: unknown } = process;
const { exit } = host;

afterEach(() => {
  host.exit = exit;
});

describe("while something loads", () => {
  test("it cannot end the process, even when it catches what that throws", async () => {
    const catching = async (): Promise<string> => {
      try {
        process.exit(0);
      } catch {
        throw new Error("caught");
      }
    };
    await expect(withoutExit(REFUSED, catching)).rejects.toBe(REFUSED);
    await expect(withoutExit(REFUSED, async () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
    expect(host.exit).toBe(exit);
  });

  test.each([
    ["the first ends first", [0, 1]],
    ["the second ends first", [1, 0]],
  ])("several at once leave the process with its own exit: %s", async (_, order) => {
    const ends: (() => void)[] = [];
    const load = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const loads = [withoutExit(REFUSED, load), withoutExit(REFUSED, load)];
    expect(() => process.exit(0)).toThrow(REFUSED);
    for (const index of order) {
      expect(host.exit).not.toBe(exit);
      ends[index]?.();
      await loads[index];
    }
    expect(host.exit).toBe(exit);
  });
});
