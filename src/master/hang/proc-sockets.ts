/**
 * Which sockets a process has begun to listen on, from /proc. The kernel lists listening sockets before all others, so
 * that only the beginning of its table is read, however many connections there are.
 */

import fs from "node:fs/promises";

/** A socket that listens. */
export interface ListeningSocket {
  readonly inode: string;
  /** Its address; that of version 6 in eight groups without brackets. */
  readonly host: string;
  readonly port: number;
}

/** All sockets that listen in the network of process `pid`, its own and others'. */
export async function listeningSockets(pid: number): Promise<ListeningSocket[]> {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readTable(`/proc/${pid}/net/${name}`)));
  return tables.flatMap((table) => parseTable(table).listening);
}

/** Those of `inodes` that process `pid` holds. */
export async function heldSockets(pid: number, inodes: ReadonlySet<string>): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`;
  const held = new Set<string>();
  const descriptors = await fs.readdir(folder);
  // The newest descriptors first, a few at a time: a process may hold thousands of connections.
  for (let end = descriptors.length; end > 0 && held.size < inodes.size; end -= AT_A_TIME) {
    const some = descriptors.slice(Math.max(0, end - AT_A_TIME), end);
    const targets = await Promise.all(some.map((name) => fs.readlink(`${folder}/${name}`).catch(() => "")));
    for (const target of targets) {
      const inode = inodeOf(target);
      if (inode !== undefined && inodes.has(inode)) held.add(inode);
    }
  }
  return held;
}

const AT_A_TIME = 64;

/**
 * The listening sockets at the beginning of a table as /proc/net/tcp or tcp6 holds it, and whether more may follow: the
 * text may end anywhere.
 */
export function parseTable(text: string): { readonly listening: ListeningSocket[]; readonly isWhole: boolean } {
  const listening: ListeningSocket[] = [];
  const lines = text.split("\n").slice(1, -1);
  for (const line of lines) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN) return { listening, isWhole: true };
    const [address = "", port = ""] = local.split(":");
    listening.push({ inode, host: hostOf(address), port: Number.parseInt(port, 16) });
  }
  return { listening, isWhole: false };
}

const LISTEN = "0A";

/** `socket:[123]`, as the link of a descriptor reads. */
function inodeOf(link: string): string | undefined {
  return link.startsWith("socket:[") ? link.slice("socket:[".length, -1) : undefined;
}

/** Words of 32 bits, each in the byte order of the machine; every machine that Node runs on has the small end first. */
function hostOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, "hex")].reverse());
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

/** As much of a table as holds all listening sockets; empty where there is none. */
async function readTable(name: string): Promise<string> {
  const file = await fs.open(name).catch(() => undefined);
  if (file === undefined) return "";
  try {
    let text = "";
    for (;;) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(PIECE_BYTES) });
      text += buffer.toString("latin1", 0, bytesRead);
      if (bytesRead === 0 || parseTable(text).isWhole) return text;
    }
  } finally {
    await file.close();
  }
}

const PIECE_BYTES = 16_384;
