/** A server that is process 1 of a PID namespace of its own, as in a container; needs root, or user namespaces. */

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { startTsgate, TSGATE } from "./tsgate.ts";
import type { Tsgate } from "./tsgate.ts";

const NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const AS_USER = ["unshare", "--user", "--map-root-user", ...NAMESPACE.slice(1)];

const usable = [NAMESPACE, AS_USER].find((command) => works(command));

/** Why there can be none here; undefined when there can. */
export const namespaceProblem =
  usable === undefined ? "unshare --pid is missing, or not allowed here: run as root with util-linux" : undefined;

/** An application: `/orphan` starts a process whose parent leaves at once, and answers when that has ended too. */
export const ORPHANING = `import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
function hasEnded(pid) {
  try {
    return readFileSync("/proc/" + pid + "/cmdline").length === 0;
  } catch {
    return true;
  }
}
export default (request, response) => {
  if (request.url !== "/orphan") return response.end("served");
  const shell = spawn("sh", ["-c", "sleep 0.05 & echo $!"], { stdio: ["ignore", "pipe", "inherit"] });
  let pid = "";
  shell.stdout.on("data", (text) => (pid += text));
  shell.on("exit", () => {
    const timer = setInterval(() => {
      if (!hasEnded(pid.trim())) return;
      clearInterval(timer);
      response.end("ended");
    }, 5);
  });
};
`;
export interface ProcessOneOptions {
  readonly cwd: string;
  /** What becomes process 1; default: the command as it is shipped, which a shell begins. */
  readonly command?: readonly string[];
}

/** Starts it. Call it within a test. */
export function startAsProcessOne(args: readonly string[], { cwd, command = [TSGATE] }: ProcessOneOptions): Tsgate {
  // The shell finds Node on the PATH.
  const env = { PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"] ?? ""}` };
  return startTsgate(args, { cwd, command, env, wrapper: usable ?? NAMESPACE });
}

/** The pid of process 1 as it is seen from outside. */
export async function processOne(server: Tsgate): Promise<number> {
  const [pid] = await childrenOf(server.pid);
  if (pid === undefined) throw new Error("the namespace has ended");
  return pid;
}

/** The names of the processes that process 1 has inherited, or started, and has not reaped. */
export async function zombiesOf(server: Tsgate): Promise<string[]> {
  const children = await childrenOf(await processOne(server));
  const stats = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.flatMap((stat) => /\((.*)\) Z /.exec(stat)?.[1] ?? []);
}

/** The children of a process; zombies count. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function works(command: readonly string[]): boolean {
  if (process.platform !== "linux") return false;
  try {
    execFileSync(command[0] as string, [...command.slice(1), "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
