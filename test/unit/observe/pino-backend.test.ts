import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createBackend } from "../../../src/observe/pino-backend.ts";
import { temporaryTree } from "../config/temporary-tree.ts";

const soon = { timeout: 20_000, interval: 20 } as const;

test.runIf(process.platform === "linux")(
  "records that a slow target does not take are dropped beyond four megabytes, counted, and told when it takes them again",
  async () => {
    const file = path.join(temporaryTree({}), "log");
    execFileSync("mkfifo", [file]);
    const backend = await createBackend({ level: "info", format: "json", file, name: undefined });
    const count = 30_000;
    expect(backend.isBehind()).toBe(false);
    for (let index = 0; index < count; index++) backend.write("info", { index, text: "x".repeat(200) }, "many");
    expect(backend.isBehind()).toBe(true);
    let text = "";
    const reader = createReadStream(file, { encoding: "utf8" });
    onTestFinished(() => void reader.destroy());
    reader.on("data", (chunk) => (text += String(chunk)));
    await expect.poll(() => text.includes("log records dropped"), soon).toBe(true);
    await expect.poll(() => text.endsWith("\n"), soon).toBe(true);
    const records = text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const written = records.filter(({ msg }) => msg === "many").length;
    expect(written).toBeGreaterThan(10_000);
    expect(records.at(-1)).toMatchObject({
      level: 40,
      role: "master",
      count: count - written,
      msg: "log records dropped",
    });
    await expect.poll(() => backend.isBehind(), soon).toBe(false);
    await backend.close();
  },
);
