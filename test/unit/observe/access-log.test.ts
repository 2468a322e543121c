/** The access log on its way to real files, pipes and devices. */

import { execFileSync } from "node:child_process";
import fs, { createReadStream, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { AccessLog } from "../../../src/observe/access-log.ts";
import type { LogPlace } from "../../../src/observe/log-target.ts";
import { temporaryTree } from "../config/temporary-tree.ts";

interface Opened {
  readonly log: AccessLog;
  /** What was told, in order: `failed: the disk is full`, `recovered: 3`, `lost: 7`. */
  readonly told: string[];
}

function open(place: LogPlace): Opened {
  const told: string[] = [];
  const log = new AccessLog(place, {
    failed: (problem) => told.push(`failed: ${problem}`),
    recovered: (dropped) => told.push(`recovered: ${dropped}`),
    lost: (dropped) => told.push(`lost: ${dropped}`),
  });
  log.open();
  return { log, told };
}

const folder = (): string => temporaryTree({});
const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);
const soon = { timeout: 20_000, interval: 20 } as const;

test("lines are in the file soon, without being asked for", async () => {
  const file = path.join(folder(), "access.log");
  const { log, told } = open({ file });
  log.add("one\n");
  log.add("two\n");
  await expect.poll(() => existsSync(file) && linesOf(file), soon).toEqual(["one", "two"]);
  expect(fs.statSync(file).mode & 0o777 & ~process.umask()).toBe(0o644 & ~process.umask());
  expect(told).toEqual([]);
});

test("many lines, from several logs at once, are all there, whole and in order", async () => {
  const file = path.join(folder(), "access.log");
  const logs = [open({ file }), open({ file }), open({ file })];
  const count = 5000;
  for (let index = 0; index < count; index++) {
    for (const [who, { log }] of logs.entries()) log.add(`${who} ${index} ${"x".repeat((index * 7) % 500)}\n`);
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  // A line that is longer than everything that is written in one piece.
  const long = `long ${"y".repeat(200_000)}`;
  logs[0]?.log.add(`${long}\n`);
  await Promise.all(logs.map(async ({ log }) => log.written()));
  const lines = linesOf(file);
  expect(lines).toHaveLength(3 * count + 1);
  for (const who of [0, 1, 2]) {
    const expected = Array.from({ length: count }, (_, index) => `${who} ${index} ${"x".repeat((index * 7) % 500)}`);
    expect(lines.filter((line) => line.startsWith(`${who} `))).toEqual(expected);
  }
  expect(lines).toContain(long);
});

test("what is left at the end of the process is written at once", async () => {
  const file = path.join(folder(), "access.log");
  const { log, told } = open({ file });
  await log.written();
  log.add("one\n");
  log.writeRest();
  expect(linesOf(file)).toEqual(["one"]);
  expect(told).toEqual([]);
});

describe("a file that is moved away", () => {
  test("is written to until the log is opened anew, and never after", async () => {
    const dir = folder();
    const [file, old] = [path.join(dir, "access.log"), path.join(dir, "access.log.1")];
    const { log, told } = open({ file });
    log.add("one\n");
    await log.written();
    renameSync(file, old);
    log.add("two\n");
    await log.written();
    log.add("three\n");
    await log.reopen();
    const inOld = linesOf(old);
    expect(inOld.slice(0, 2)).toEqual(["one", "two"]);
    log.add("four\n");
    await log.written();
    expect(linesOf(old)).toEqual(inOld);
    expect([...inOld, ...linesOf(file)]).toEqual(["one", "two", "three", "four"]);
    expect(told).toEqual([]);
  });

  test("is done for each who asks, also while it is being opened", async () => {
    const { log } = open({ file: path.join(folder(), "access.log") });
    await Promise.all([log.reopen(), log.reopen()]);
    const first = log.reopen();
    await Promise.all([first, log.reopen()]);
  });

  test("to where no new one can be made is told, and tried again until one can", async () => {
    const dir = folder();
    mkdirSync(path.join(dir, "logs"));
    const file = path.join(dir, "logs", "access.log");
    const { log, told } = open({ file });
    log.add("one\n");
    await log.written();
    renameSync(path.join(dir, "logs"), path.join(dir, "moved"));
    await log.reopen();
    expect(told).toEqual([`failed: the directory ${path.join(dir, "logs")} does not exist`]);
    log.add("two\n");
    mkdirSync(path.join(dir, "logs"));
    await log.written();
    expect(linesOf(path.join(dir, "moved", "access.log"))).toEqual(["one"]);
    expect(linesOf(file)).toEqual(["two"]);
    expect(told.slice(1)).toEqual(["recovered: 0"]);
  });
});

test.runIf(existsSync("/dev/full"))("a full disk is told once, and what was not written at the end", async () => {
  const { log, told } = open({ file: "/dev/full" });
  log.add("one\n");
  await expect.poll(() => told, soon).toEqual(["failed: the disk is full"]);
  for (let index = 0; index < 9; index++) log.add("another\n");
  log.writeRest();
  expect(told).toEqual(["failed: the disk is full", "lost: 10"]);
});

test("more than can wait is dropped, counted, and told when lines are written again", async () => {
  const dir = folder();
  const file = path.join(dir, "logs", "access.log");
  const { log, told } = open({ file });
  const line = `${"x".repeat(999)}\n`;
  const count = 6000;
  await expect.poll(() => told, soon).toEqual([`failed: the directory ${path.join(dir, "logs")} does not exist`]);
  for (let index = 0; index < count; index++) log.add(line);
  mkdirSync(path.join(dir, "logs"));
  await log.written();
  const written = linesOf(file).length;
  expect(written).toBeGreaterThan(3000);
  expect(written).toBeLessThan(count);
  expect(told.slice(1)).toEqual([`recovered: ${count - written}`]);
});

describe.runIf(process.platform === "linux")("a pipe", () => {
  test("that nobody reads holds nobody up, and gives whoever comes whole lines", async () => {
    const fifo = path.join(folder(), "fifo");
    execFileSync("mkfifo", [fifo]);
    const { log, told } = open({ file: fifo });
    const count = 1000;
    const lines = Array.from({ length: count }, (_, index) => `${index} ${"x".repeat(index % 700)}`);
    for (const line of lines) log.add(`${line}\n`);
    let text = "";
    const reader = createReadStream(fifo, { encoding: "utf8", highWaterMark: 1000 });
    onTestFinished(() => void reader.destroy());
    reader.on("data", (chunk) => (text += String(chunk)));
    await log.written();
    await expect.poll(() => text.split("\n").length - 1, soon).toBe(count);
    expect(text.split("\n").slice(0, -1)).toEqual(lines);
    expect(told).toEqual([]);
  });

  test("that takes too little loses lines, and says how many when it takes them again", async () => {
    const fifo = path.join(folder(), "fifo");
    execFileSync("mkfifo", [fifo]);
    const { log, told } = open({ file: fifo });
    const count = 6000;
    for (let index = 0; index < count; index++) log.add(`${"x".repeat(999)}\n`);
    await expect.poll(() => told, soon).toEqual(["failed: lines come faster than they can be written"]);
    let bytes = 0;
    const reader = createReadStream(fifo);
    onTestFinished(() => void reader.destroy());
    reader.on("data", (chunk) => (bytes += chunk.length));
    await log.written();
    await expect.poll(() => `recovered: ${count - bytes / 1000}`, soon).toBe(told.at(-1));
    expect(bytes / 1000).toBeGreaterThan(3000);
  });

  test("that is the standard output is opened anew, so that a write never waits", async () => {
    const fifo = path.join(folder(), "fifo");
    execFileSync("mkfifo", [fifo]);
    const { log, told } = open({ fd: fs.openSync(fifo, fs.constants.O_RDWR) });
    const opened = (): string[] => fs.readdirSync("/proc/self/fd").filter((fd) => isLinkTo(fd, fifo));
    await expect.poll(() => opened().length, soon).toBe(2);
    for (let index = 0; index < 200; index++) log.add(`${"x".repeat(999)}\n`);
    // Nothing here would come back from a write that waits: nobody reads.
    log.writeRest();
    expect(told).toEqual([expect.stringMatching(/^lost: 1\d\d$/)]);
  });
});

test("a file that is the standard output is written to as it is, behind what others write to it", async () => {
  const file = path.join(folder(), "out");
  const inherited = fs.openSync(file, "w");
  const { log } = open({ fd: inherited });
  fs.writeSync(inherited, "of the application\n");
  log.add("one\n");
  await log.written();
  fs.writeSync(inherited, "of the application again\n");
  expect(linesOf(file)).toEqual(["of the application", "one", "of the application again"]);
});

function isLinkTo(fd: string, file: string): boolean {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`) === file;
  } catch {
    return false;
  }
}
