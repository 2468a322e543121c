import { join } from "node:path";
import { expect, test } from "vitest";
import { readEnvFile } from "../../../src/config/env-file.ts";
import { temporaryTree } from "./temporary-tree.ts";

const read = (text: string): Promise<unknown> => readEnvFile(join(temporaryTree({ ".env": text }), ".env"));

test("variables, quotes and comments are read as Node reads them", async () => {
  const text = "# a comment\nA=1\nB='two words'\nC=\"line\\nbreak\"\n\nexport D=4\nEMPTY=\n";
  expect(await read(text)).toEqual({ A: "1", B: "two words", C: "line\nbreak", D: "4", EMPTY: "" });
});

test("a byte order mark is not a part of the first key", async () => {
  expect(await read("\uFEFFA=1")).toEqual({ A: "1" });
});

test("a setting of tsgate's own is refused", async () => {
  await expect(read("A=1\nTSGATE_WORKERS=4")).rejects.toThrow(
    /\.env sets TSGATE_WORKERS, a setting of tsgate that has no effect there; set it where tsgate is started$/,
  );
});

test("a file that is not there is refused", async () => {
  await expect(readEnvFile("/nonexistent/.env")).rejects.toThrow("--env-file: /nonexistent/.env does not exist");
});

test("a directory is refused", async () => {
  await expect(readEnvFile(temporaryTree())).rejects.toThrow("is a directory; name a file of KEY=VALUE lines");
});
