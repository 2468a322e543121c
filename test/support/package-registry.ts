/**
 * A registry of packages on this machine, with the server's own dependencies as they lie in node_modules: whoever installs
 * the package needs neither a network nor what a cache happens to hold.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

export interface PackageRegistry {
  /** What npm is told, so that it asks this registry and no other, and keeps what it hears to itself. */
  readonly npmOptions: readonly string[];
  close(): Promise<void>;
}

interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly integrity: string;
}

/** Serves what package-lock.json says is needed by those who use the server. */
export async function openRegistry(): Promise<PackageRegistry> {
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), "tsgate-registry-")));
  const folders = await dependencyFolders();
  const { stdout } = await run(
    "npm",
    ["pack", "--ignore-scripts", "--json", "--pack-destination", dir, ...folders.map((folder) => `./${folder}`)],
    { cwd: ROOT, maxBuffer: 50_000_000 },
  );
  const packed = JSON.parse(stdout) as readonly Packed[];
  const manifests = await Promise.all(
    folders.map(async (folder) => readFile(path.join(ROOT, folder, "package.json"), "utf8")),
  );
  const server = http.createServer((request, response) => {
    const wanted = decodeURIComponent(request.url ?? "").slice(1);
    if (wanted.endsWith(".tgz")) {
      void readFile(path.join(dir, path.basename(wanted))).then((tarball) => response.end(tarball));
      return;
    }
    const versions = packed.flatMap((one, index) => {
      if (one.name !== wanted) return [];
      const tarball = `http://${request.headers.host}/${fileName(one)}`;
      const manifest = JSON.parse(manifests[index] ?? "{}") as object;
      return [[one.version, { ...manifest, dist: { tarball, integrity: one.integrity } }] as const];
    });
    response.writeHead(versions.length === 0 ? 404 : 200, { "content-type": "application/json" });
    const latest = versions.at(-1)?.[0];
    response.end(JSON.stringify({ name: wanted, "dist-tags": { latest }, versions: Object.fromEntries(versions) }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    npmOptions: [`--registry=http://127.0.0.1:${port}/`, `--cache=${path.join(dir, "cache")}`, "--noproxy=127.0.0.1"],
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function dependencyFolders(): Promise<string[]> {
  const lock = JSON.parse(await readFile(path.join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
  };
  return Object.entries(lock.packages)
    .filter(([folder, { dev, devOptional }]) => folder !== "" && dev !== true && devOptional !== true)
    .map(([folder]) => folder);
}

/** As npm writes it: that of a scope without its signs. */
function fileName({ name, version }: Packed): string {
  return `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
}
