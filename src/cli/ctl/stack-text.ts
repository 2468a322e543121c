/** What a worker spends its time with, as text: a tree of its calls, or what it is found hanging at; and where its Python is. Pure. */

import { arePythonAccounts, type PythonAccount } from "../../python-account.ts";
import { isWorkerProfile, type ProfiledCall, type WorkerProfile } from "../../worker-profile.ts";
import { duration, percent } from "./figures.ts";
import { cut, paragraph, plain } from "./layout.ts";

type Answer = Readonly<Record<string, unknown>>;

/** The lines of the answer to `ctl stack`. */
export function stackLines(answer: Answer, columns: number): string[] {
  const { slot, pid, generation, profile, examination, pythons } = answer;
  const who = `slot ${String(slot)}, pid ${String(pid)}, generation ${String(generation)}`;
  if (isWorkerProfile(profile)) {
    const beside = arePythonAccounts(pythons) ? pythons.flatMap((python) => pythonLines(python, columns)) : [];
    return [...profileLines(who, profile), ...beside];
  }
  return examinationLines(who, (examination ?? {}) as Answer, columns);
}

/** What is rounded to nothing is not worth a line. */
const LEAST_SHARE = 0.005;

function profileLines(who: string, profile: WorkerProfile): string[] {
  const { durationMs, samples, idle, garbageCollection, outside, calls } = profile;
  const rest: (readonly [number, string])[] = [
    [outside, "(Node, tsgate and native code)"],
    [garbageCollection, "(garbage collection)"],
    [idle, "(idle)"],
  ];
  return [
    `${who}: ${(durationMs / 1000).toFixed(2)} s, ${samples} samples`,
    `idle ${percent(idle)}, busy ${percent(1 - idle)}`,
    "",
    "TOTAL  SELF",
    ...calls.flatMap((call) => callLines(call, 0)),
    ...rest
      .filter(([share]) => share >= LEAST_SHARE)
      .map(([share, name]) => `${share5(share)} ${share5(share)}  ${name}`),
  ];
}

function callLines(call: ProfiledCall, depth: number): string[] {
  const { name, file, line, self, total, calls } = call;
  const place = file === "" ? "" : ` (${file}${line > 0 ? `:${line}` : ""})`;
  const own = `${share5(total)} ${share5(self)}  ${"  ".repeat(depth)}${plain(name || "(anonymous)")}${plain(place)}`;
  return [own, ...calls.flatMap((inner) => callLines(inner, depth + 1))];
}

function share5(share: number): string {
  return percent(share).padStart(5);
}

function examinationLines(who: string, examination: Answer, columns: number): string[] {
  const { silentMs, found, stack, inFlight, requests } = examination;
  const told = Array.isArray(requests) ? (requests as readonly Answer[]) : [];
  return [
    `${who}: no heartbeat for ${duration(Number(silentMs))}`,
    ...paragraph(plain(String(found)), columns, 8),
    ...(typeof stack === "string" ? stack.split("\n").map((line) => `  ${plain(line).trimStart()}`) : []),
    ...(inFlight === undefined ? [] : [`${Number(inFlight)} in flight${told.length > 0 ? ", the oldest first:" : ""}`]),
    ...requestLines(told, columns),
  ];
}

function requestLines(requests: readonly Answer[], columns: number): string[] {
  return requests.map(({ method, path, ageMs }) =>
    cut(`  ${duration(Number(ageMs)).padStart(5)}  ${plain(String(method))} ${plain(String(path))}`, columns),
  );
}

function pythonLines(python: PythonAccount, columns: number): string[] {
  const { application, pid, threads, idle, withClient, requests } = python;
  const counts = [
    ...(idle > 0 ? [`${idle} idle`] : []),
    ...(withClient > 0 ? [`${withClient} waiting for a client`] : []),
    ...(threads === null ? ["it gave no stack"] : []),
  ];
  return [
    "",
    `Python of ${plain(application)}, pid ${pid}${counts.length === 0 ? "" : `: ${counts.join(", ")}`}`,
    ...(threads ?? []).flatMap(({ frames }, index) => [
      ...(index === 0 ? [] : [""]),
      ...frames.map(({ function: name, file, line }) => plain(`  at ${name} (${file}:${line})`)),
    ]),
    ...(requests.length === 0 ? [] : [`${requests.length} at work:`]),
    ...requestLines(requests as unknown as readonly Answer[], columns),
  ];
}
