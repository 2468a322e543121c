/**
 * Real nginx, HAProxy and Apache in front of servers, with the configurations of docs/deploy: of those only ports and
 * paths are changed, and each of them has to be there. Each proxy runs in the foreground and is ended by its own pid.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { freePort } from "./free-port.ts";
import { pageBlocks } from "./page-blocks.ts";
import { findCommand, type Peer } from "./peers.ts";
import type { TempProject } from "./temp-project.ts";

const DEPLOY = fileURLToPath(new URL("../../docs/deploy/", import.meta.url));
const TLS = fileURLToPath(new URL("../fixtures/tls/", import.meta.url));

/** The addresses in the configurations, and what stands for them here. */
export type Replacements = Readonly<Record<string, string>>;

export interface ProxyKind {
  readonly name: string;
  readonly peer: Peer;
  readonly page: string;
  /** The name of the configuration on its page. */
  readonly file: string;
  /** Which of its ports is open when it is ready. */
  readonly door: keyof Ports;
  /** The name of what stands there for a unix socket, and in whose place it comes. */
  readonly unix: { readonly file: string; readonly inPlaceOf: RegExp };
  /** What a configuration says of this machine: ports of its own, and paths. */
  own(project: TempProject, ports: Ports): Promise<Replacements>;
  /** Writes what surrounds the configuration, and says how to start it. */
  prepare(project: TempProject, config: string, isRoot: boolean): Promise<readonly string[]>;
}

interface Ports {
  readonly http: number;
  readonly https: number;
}

/** A proxy that listens. */
export interface RunningProxy extends Ports {
  /** What it has written, its errors among it. */
  said(): string;
}

export const NGINX: ProxyKind = {
  name: "nginx",
  peer: { command: "nginx", debianPackage: "nginx-light" },
  page: "nginx.md",
  file: "nginx.conf",
  door: "https",
  unix: { file: "unix.conf", inPlaceOf: /^upstream tsgate \{[^}]*\}\n/m },
  own: async (_project, { http, https }) => ({
    "listen 80;": `listen 127.0.0.1:${http};`,
    "listen 443 ": `listen 127.0.0.1:${https} `,
    "/etc/ssl/app/": TLS,
  }),
  prepare: async (project, config, isRoot) => {
    for (const folder of ["body", "proxy", "fastcgi", "scgi", "uwsgi"]) mkdirSync(project.path(folder));
    const paths = ["client_body_temp_path body;", "proxy_temp_path proxy;", "fastcgi_temp_path fastcgi;"];
    const more = ["scgi_temp_path scgi;", "uwsgi_temp_path uwsgi;", "access_log off;", "include tsgate.conf;"];
    await project.write("tsgate.conf", config);
    await project.write(
      "main.conf",
      `${isRoot ? "user root;\n" : ""}worker_processes 1;\nevents { worker_connections 1024; }\nhttp {\n${[...paths, ...more].join("\n")}\n}\n`,
    );
    const settings = `daemon off; pid ${project.path("nginx.pid")}; error_log stderr;`;
    return ["-p", project.dir, "-c", project.path("main.conf"), "-e", "stderr", "-g", settings];
  },
};

export const HAPROXY: ProxyKind = {
  name: "HAProxy",
  peer: { command: "haproxy", debianPackage: "haproxy" },
  page: "haproxy.md",
  file: "haproxy.cfg",
  door: "https",
  unix: { file: "unix.cfg", inPlaceOf: /^ {4}server app1 .*\n {4}server app2 .*\n/m },
  own: async (project, { http, https }) => {
    const pem = ["cert.pem", "key.pem"].map((name) => readFileSync(TLS + name, "utf8")).join("");
    return {
      "bind :80": `bind 127.0.0.1:${http}`,
      "bind :443": `bind 127.0.0.1:${https}`,
      "/etc/haproxy/app.pem": await project.write("app.pem", pem),
    };
  },
  prepare: async (project, config) => ["-db", "-f", await project.write("haproxy.cfg", config)],
};

/** Standard error is a socket here, which Apache cannot open by a name. */
const ERROR_LOG = "error.log";

const APACHE_MODULES =
  "mpm_event authz_core headers socache_shmcb ssl http2 alias proxy proxy_http proxy_balancer slotmem_shm lbmethod_byrequests lbmethod_bybusyness".split(
    " ",
  );

export const APACHE: ProxyKind = {
  name: "Apache",
  peer: { command: "apache2", debianPackage: "apache2" },
  page: "apache.md",
  file: "apache.conf",
  door: "https",
  unix: { file: "unix.conf", inPlaceOf: /^ {4}ProxyPass .*\n/m },
  own: async (_project, { http, https }) => ({
    "<VirtualHost *:80>": `Listen 127.0.0.1:${http}\n<VirtualHost *:${http}>`,
    "<VirtualHost *:443>": `Listen 127.0.0.1:${https}\n<VirtualHost *:${https}>`,
    "/etc/ssl/app/": TLS,
  }),
  prepare: async (project, config, isRoot) => {
    mkdirSync(project.path("run"));
    const main = [
      `ServerRoot "${project.dir}"`,
      "DefaultRuntimeDir run",
      "PidFile run/apache.pid",
      `ErrorLog ${ERROR_LOG}`,
      "ServerName localhost",
      ...(isRoot ? ["User www-data", "Group www-data"] : []),
      ...APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
      "Include tsgate.conf",
    ];
    await project.write("tsgate.conf", config);
    return ["-DFOREGROUND", "-f", await project.write("httpd.conf", `${main.join("\n")}\n`)];
  },
};

/** HAProxy as one that passes bytes on. */
export const HAPROXY_TCP: ProxyKind = {
  ...HAPROXY,
  file: "tcp.cfg",
  door: "http",
  own: async (_project, { http }) => ({ "bind :80": `bind 127.0.0.1:${http}` }),
};

const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** What is missing for nginx to pass bytes on; undefined when nothing is. */
export function streamProblem(): string | undefined {
  if (findCommand(NGINX.peer.command) !== undefined && existsSync(STREAM_MODULE)) return undefined;
  return "nginx's stream module not found: apt-get install -y --no-install-recommends nginx-light libnginx-mod-stream";
}

/** The same of nginx. */
export const NGINX_STREAM: ProxyKind = {
  ...NGINX,
  file: "stream.conf",
  door: "http",
  own: async (_project, { http }) => ({ "listen 80;": `listen 127.0.0.1:${http};` }),
  prepare: async (project, config) => {
    const main = `load_module ${STREAM_MODULE};\nevents { worker_connections 1024; }\n${config}`;
    const settings = `daemon off; pid ${project.path("nginx.pid")}; error_log stderr;`;
    return ["-p", project.dir, "-c", await project.write("main.conf", main), "-e", "stderr", "-g", settings];
  },
};

/** The block named `name` on a page of docs/deploy. */
export function blockOf(page: string, name: string): string {
  const block = pageBlocks(readFileSync(DEPLOY + page, "utf8")).find(
    (each) => each.kind === "file" && each.name === name,
  );
  if (block === undefined) throw new Error(`docs/deploy/${page} has no block ${name}`);
  return block.text;
}

/** The configuration of the page, with what it says for a unix socket in its place. */
export function unixConfig({ page, file, unix }: ProxyKind): string {
  const config = blockOf(page, file);
  if (!unix.inPlaceOf.test(config)) throw new Error(`${file} has no place for ${unix.file}`);
  return config.replace(unix.inPlaceOf, () => blockOf(page, unix.file));
}

/** Starts a proxy with the configuration of its page; resolves when it listens. It is ended when the test ends. */
export async function startProxy(
  kind: ProxyKind,
  project: TempProject,
  servers: Replacements,
  config = blockOf(kind.page, kind.file),
): Promise<RunningProxy> {
  const ports = { http: await freePort(), https: await freePort() };
  const changed = replaced(config, { ...(await kind.own(project, ports)), ...servers });
  const args = await kind.prepare(project, changed, process.getuid?.() === 0);
  const command = findCommand(kind.peer.command) as string;
  const child = spawn(command, args, { cwd: project.dir, stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  const log = project.path(ERROR_LOG);
  const said = (): string => written + (existsSync(log) ? readFileSync(log, "utf8") : "");
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (written += String(text)));
  const exited = once(child, "exit");
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await exited;
  });
  await listening(ports[kind.door], () => (child.exitCode === null ? undefined : said()));
  return { ...ports, said };
}

function replaced(config: string, replacements: Replacements): string {
  let text = config;
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`the configuration does not say ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Resolves when somebody accepts on the port; rejects with what `failure` says, or after 30 s. */
async function listening(port: number, failure: () => string | undefined): Promise<void> {
  const endsAt = performance.now() + 30_000;
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    const said = failure();
    if (said !== undefined || performance.now() > endsAt) throw new Error(`the proxy does not listen: ${said ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
