/**
 * The same bytes to a real nginx, which passes on what it reads to an upstream that writes it down. A client says who it is
 * with the PROXY protocol, ends its side behind its last byte, and has been read to the end when nginx has closed.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reader, Reading, SeenRequest } from "./servers.ts";

export class Nginx {
  readonly version: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #upstream: Server;
  readonly #running: Map<string, SeenRequest[]>;
  #clients = 0;

  private constructor(
    version: string,
    folder: string,
    child: ChildProcess,
    upstream: Server,
    running: Map<string, SeenRequest[]>,
  ) {
    this.version = version;
    this.#folder = folder;
    this.#child = child;
    this.#upstream = upstream;
    this.#running = running;
  }

  /** Resolves when it accepts; rejects, with what it wrote, when it does not. */
  static async start(): Promise<Nginx> {
    const folder = await mkdtemp(path.join(tmpdir(), "fuzz-nginx-"));
    const running = new Map<string, SeenRequest[]>();
    const upstream = createServer((socket) => record(socket, running));
    await new Promise<void>((resolve) => {
      upstream.listen(path.join(folder, "upstream"), resolve);
    });
    await writeFile(path.join(folder, "nginx.conf"), CONFIG);
    const child = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], {
      cwd: folder,
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr?.on("data", (text: Buffer) => (said = (said + String(text)).slice(-LONGEST_SAID)));
    const failure = new Promise<Error>((resolve) => {
      child.once("error", resolve).once("exit", () => resolve(new Error(`nginx has ended: ${said}`)));
    });
    const nginx = new Nginx(await versionOf(), folder, child, upstream, running);
    const failed = await Promise.race([failure, accepts(path.join(folder, "front"))]);
    if (failed === undefined) return nginx;
    await nginx.stop();
    throw failed;
  }

  readonly read: Reader = async (pieces) => {
    const number = this.#clients++;
    // An address and a port of its own.
    const [id, port] = [`10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`, 1 + (number >>> 24)];
    const requests: SeenRequest[] = [];
    this.#running.set(id, requests);
    const socket = connect({ path: path.join(this.#folder, "front"), allowHalfOpen: true });
    let output = "";
    socket.setEncoding("latin1").on("data", (text: string) => (output += text));
    // Who is refused in the middle of sending may be told so by a reset.
    socket.on("error", () => {});
    socket.write(`PROXY TCP4 ${id} 127.0.0.1 ${port} 80\r\n`);
    for (const piece of pieces) socket.write(piece, "latin1");
    socket.end();
    await new Promise<void>((resolve) => {
      socket.once("end", () => socket.destroy()).once("close", () => resolve());
    });
    this.#running.delete(id);
    return readingOf(requests, output);
  };

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.pid !== undefined) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    this.#upstream.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function readingOf(requests: readonly SeenRequest[], output: string): Reading {
  const status = /HTTP\/1\.1 ([45]\d\d) /.exec(output)?.[1];
  if (status === "502" || status === "504") throw new Error(`nginx has lost its upstream: ${output}`);
  const refusal = status === undefined ? undefined : Number(status);
  return { requests, refusal, hasEnded: /\r\nConnection: close\r\n/i.test(output) };
}

/** Reads what nginx sends: a head in order, and a body with its length, because nginx reads all of it first. */
function record(socket: Socket, running: ReadonlyMap<string, SeenRequest[]>): void {
  let buffer = "";
  socket.setEncoding("latin1").on("error", () => {});
  socket.on("data", (text: string) => {
    buffer += text;
    for (;;) {
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [, ...lines] = buffer.slice(0, end).split("\r\n");
      const fields = lines.map(
        (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)] as const,
      );
      const length = Number(fields.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
      if (buffer.length < end + 4 + length) return;
      const body = buffer.slice(end + 4, end + 4 + length);
      buffer = buffer.slice(end + 4 + length);
      const [client, line, ...rest] = fields;
      running.get(client?.[1] ?? "")?.push({ line: line?.[1] ?? "", headers: rest.flat(), body, isWhole: true });
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
}

async function accepts(file: string): Promise<undefined> {
  for (;;) {
    if (existsSync(file)) {
      const socket = connect(file);
      const isThere = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      });
      socket.destroy();
      if (isThere) return undefined;
    }
    await sleep(20);
  }
}

async function versionOf(): Promise<string> {
  const child = spawn("nginx", ["-v"], { env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` } });
  let text = "";
  child.stderr.on("data", (said: Buffer) => (text += String(said)));
  try {
    await once(child, "close");
  } catch {
    return "none";
  }
  return /nginx\/([\d.]+)/.exec(text)?.[1] ?? "unknown";
}

const LONGEST_SAID = 4096;
/** The line and the Host as they were sent, and every header that nginx does not take for its own. */
const CONFIG = `daemon off;
master_process off;
pid pid;
error_log stderr crit;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  scgi_temp_path scgi;
  uwsgi_temp_path uwsgi;
  client_max_body_size 0;
  keepalive_requests 1000000;
  lingering_close off;
  underscores_in_headers on;
  ignore_invalid_headers off;
  upstream recorder { server unix:upstream; keepalive 256; }
  server {
    listen unix:front proxy_protocol;
    location / {
      proxy_pass http://recorder;
      proxy_http_version 1.1;
      proxy_ignore_client_abort on;
      proxy_set_header X-Reader-Client $proxy_protocol_addr;
      proxy_set_header X-Reader-Line $request;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }
  }
}
`;
