/** The access log on a disk that has room for a part of a line only, and later for more. */

import fs, { appendFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryTree } from "../config/temporary-tree.ts";

type Write = (fd: number, bytes: Buffer, ...rest: unknown[]) => Promise<{ bytesWritten: number }>;

/** Of "one" and "two" the second is cut in its middle; then the disk is full once, while `others` do what they do. */
async function written(others: (file: string) => void): Promise<string> {
  const file = path.join(temporaryTree({}), "access.log");
  const { write } = fs;
  const really = promisify(write) as unknown as Write;
  const steps: Write[] = [
    async (fd, bytes) => really(fd, bytes.subarray(0, 6)),
    async () => {
      others(file);
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    },
  ];
  const limited: Write = async (fd, bytes, ...rest) => (steps.shift() ?? really)(fd, bytes, ...rest);
  fs.write = Object.assign((() => {}) as unknown as typeof write, { [promisify.custom]: limited });
  onTestFinished(() => {
    fs.write = write;
    vi.resetModules();
  });
  vi.resetModules();
  const { AccessLog } = await import("../../../src/observe/access-log.ts");
  const log = new AccessLog({ file }, { failed: () => {}, recovered: () => {}, lost: () => {} });
  log.add("one\n");
  log.add("two\n");
  await log.written();
  return readFileSync(file, "utf8");
}

test.each<readonly [string, (file: string) => void, string]>([
  ["goes on where nobody has written meanwhile", () => {}, "one\ntwo\n"],
  ["is written anew behind what others have written", (file) => appendFileSync(file, "x\n"), "one\ntwx\ntwo\n"],
  ["is written anew behind what others have begun", (file) => appendFileSync(file, "x"), "one\ntwx\ntwo\n"],
])("a line that there was no room for %s", async (_, others, expected) => {
  expect(await written(others)).toBe(expected);
});
