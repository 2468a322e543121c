/** What the operating system knows of a process that does not answer: what it waits for, whether it works, whom it has started. */

import fs from "node:fs/promises";

export interface ProcessFacts {
  /** The kernel's letter: R runs, S sleeps, D sleeps and cannot be woken, T is stopped. */
  readonly state: string;
  /** The place in the kernel where it sleeps, and the number of the system call; where the kernel tells them. */
  readonly wchan?: string;
  readonly syscall?: number;
  /** CPU time of all its threads so far. */
  readonly cpuMs: number;
  readonly children: readonly ChildFacts[];
}

export interface ChildFacts {
  readonly pid: number;
  readonly command: string;
}

/** What is known of process `pid`; undefined when it has gone, or where there is no /proc. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const folder = `/proc/${pid}`;
  const [stat, wchan, syscall, children] = await Promise.all([
    text(`${folder}/stat`),
    text(`${folder}/wchan`),
    text(`${folder}/syscall`),
    childrenOf(folder),
  ]);
  const parsed = parseStat(stat);
  if (parsed === undefined) return undefined;
  const number = Number.parseInt(syscall, 10);
  return {
    ...parsed,
    // "0": it does not sleep, or nobody is to know.
    ...(wchan === "" || wchan === "0" ? {} : { wchan }),
    ...(Number.isInteger(number) && number >= 0 ? { syscall: number } : {}),
    children,
  };
}

/** State and CPU time from the text of /proc/PID/stat; undefined when it is none. */
export function parseStat(stat: string): { readonly state: string; readonly cpuMs: number } | undefined {
  // The name in brackets may hold anything, brackets and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", ticks] = [fields[0], Number(fields[11]) + Number(fields[12])];
  return stat === "" || Number.isNaN(ticks) ? undefined : { state, cpuMs: ticks * MS_A_TICK };
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_A_TICK = 10;

/** Whether the process has a handler for signal number `signal`, from the text of /proc/PID/status; a process without would end. */
export function catchesSignal(status: string, signal: number): boolean {
  const [, mask = ""] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return mask !== "" && (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** How long the main thread of `pid` has run and has waited for a processor so far; 0 where the kernel does not count. */
export async function processorTimes(pid: number): Promise<{ readonly ranMs: number; readonly waitedMs: number }> {
  const [ran, waited] = (await text(`/proc/${pid}/task/${pid}/schedstat`)).split(" ");
  return { ranMs: Number(ran ?? 0) / 1e6, waitedMs: Number(waited ?? 0) / 1e6 };
}

/** The status text of `pid`; empty when it has gone. */
export async function statusOf(pid: number): Promise<string> {
  return text(`/proc/${pid}/status`);
}

const MOST_CHILDREN = 16;
const LONGEST_COMMAND = 200;

async function childrenOf(folder: string): Promise<ChildFacts[]> {
  const threads = await fs.readdir(`${folder}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => text(`${folder}/task/${thread}/children`)));
  const pids = lists.flatMap((list) => list.split(" ").filter((pid) => pid !== ""));
  return Promise.all(
    pids.slice(0, MOST_CHILDREN).map(async (pid) => ({ pid: Number(pid), command: await commandOf(pid) })),
  );
}

async function commandOf(pid: string): Promise<string> {
  const line = await text(`/proc/${pid}/cmdline`);
  return line.replaceAll("\0", " ").trim().slice(0, LONGEST_COMMAND);
}

async function text(file: string): Promise<string> {
  return (await fs.readFile(file, "latin1").catch(() => "")).trim();
}
