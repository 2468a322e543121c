/** On which TCP ports a process listens, from /proc. */

import { readdir, readFile, readlink } from "node:fs/promises";

/** In ascending order; none when the process has gone. */
export async function listeningPorts(pid: number): Promise<number[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => "")),
  );
  const rows = tables.flatMap((table) => table.split("\n").map((line) => line.trim().split(/\s+/)));
  const own = rows.filter(([, , , state, , , , , , inode]) => state === "0A" && links.includes(`socket:[${inode}]`));
  return own.map(([, local = ""]) => Number.parseInt(local.split(":")[1] ?? "", 16)).sort((a, b) => a - b);
}
