/** tsgate behind a real nginx, HAProxy and Apache, with the configurations of docs/deploy and no others. */

import { once } from "node:events";
import { chmod } from "node:fs/promises";
import https from "node:https";
import net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { ADMIN, adminTarget } from "../support/admin.ts";
import { askOverTls, CLIENT, startLoad } from "../support/https-load.ts";
import { describeUnless, describeWithPeers } from "../support/peers.ts";
import {
  APACHE,
  HAPROXY,
  HAPROXY_TCP,
  NGINX,
  NGINX_STREAM,
  type ProxyKind,
  type RunningProxy,
  startProxy,
  streamProblem,
  unixConfig,
} from "../support/proxies.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { RawClient } from "../support/raw-client.ts";
import { reload } from "../support/reloading.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const EXPRESS = `import express from "express";
import { WebSocketServer } from "ws";

const app = express();
app.set("trust proxy", "loopback");
app.use((request, response, next) => {
  response.set("x-host", process.env.HOST_NAME);
  next();
});
app.get("/", (request, response) => response.send("hello"));
app.post("/", express.raw({ type: () => true, limit: "60mb" }), (request, response) => {
  response.send(String(request.body.length));
});
app.get("/who", ({ ip, protocol, host, socket }, response) => {
  response.json({ ip, protocol, host, connection: socket.remotePort });
});
app.get("/slow", (request, response) => {
  console.log("slow");
  setTimeout(() => response.send("slow"), 2000);
});
app.get("/events", (request, response) => {
  response.set("Content-Type", "text/event-stream");
  response.write("data: first\\n\\n");
});
export default app;

const sockets = new WebSocketServer({ noServer: true });
export const upgrade = (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on("message", (data) => client.send(String(data)));
  });
};
`;

const ENVIRON = `export function application(environ, startResponse) {
  startResponse(200, [["Content-Type", "application/json"]]);
  const { REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, SERVER_NAME, SERVER_PORT } = environ;
  const scheme = environ["gateway.url_scheme"];
  const forged = Object.keys(environ).filter((key) => /evil|203[.]0[.]113[.]66/.test(String(environ[key])));
  return [JSON.stringify({ REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, SERVER_NAME, SERVER_PORT, scheme, forged })];
}
`;

/** What a client may try to pass as the word of a proxy. */
const SPOOFED = {
  "X-Forwarded-For": "203.0.113.66",
  "X-Forwarded-Proto": "http",
  "X-Forwarded-Host": "evil.example",
  "X-Forwarded-Port": "1",
  Forwarded: "for=203.0.113.66;proto=http;host=evil.example",
};

const OWN = ["--workers", "2", "--surge", "100%"];

interface Host {
  readonly server: Tsgate;
  readonly port: number;
  readonly adminPort: number;
}

describe.each([NGINX, HAPROXY, APACHE])("$name", (kind) => {
  describeWithPeers(`in front of two hosts (${kind.name})`, [kind.peer], () => {
    test("TLS, the client's address and scheme, both hosts, WebSockets, event streams and large uploads", async () => {
      const { proxy } = await behind(kind, EXPRESS);
      const { https: port } = proxy;

      const hosts = new Set<unknown>();
      const connections = new Set<unknown>();
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      for (let asked = 0; asked < 40; asked++) {
        const { text, headers } = await askOverTls(port, "/who", { headers: SPOOFED, agent });
        const { connection, ...seen } = JSON.parse(text) as Record<string, unknown>;
        expect(seen).toEqual({ ip: CLIENT, protocol: "https", host: "app.example.org" });
        hosts.add(headers["x-host"]);
        connections.add(connection);
      }
      expect([...hosts].toSorted()).toEqual(["one", "two"]);
      // Kept upstream: far fewer connections than requests.
      expect(connections.size).toBeLessThan(20);

      const socket = new WebSocket(`wss://127.0.0.1:${port}/`, {
        rejectUnauthorized: false,
        headers: { Host: "app.example.org" },
      });
      onTestFinished(() => socket.terminate());
      await once(socket, "open");
      socket.send("echo");
      expect(String((await once(socket, "message"))[0])).toBe("echo");

      const events = https.get({ host: "127.0.0.1", port, path: "/events", rejectUnauthorized: false, agent: false });
      onTestFinished(() => void events.destroy());
      const [stream] = (await once(events, "response")) as [import("node:http").IncomingMessage];
      // It has not ended, and never does.
      expect(String((await once(stream, "data"))[0])).toBe("data: first\n\n");

      const upload = await askOverTls(port, "/", { method: "POST", body: Buffer.alloc(50_000_000, "x") });
      expect([upload.status, upload.text]).toEqual([200, "50000000"]);
    });

    test("an environ says who the client is, and nothing that it has made up", async () => {
      const { proxy } = await behind(kind, ENVIRON);
      const { text } = await askOverTls(proxy.https, "/", { headers: SPOOFED });
      expect(JSON.parse(text)).toEqual({
        REMOTE_ADDR: CLIENT,
        HTTP_HOST: "app.example.org",
        SERVER_NAME: "app.example.org",
        // Apache tells the port that the client has named, the others the one that it has come to.
        SERVER_PORT: kind === APACHE ? "443" : String(proxy.https),
        scheme: "https",
        forged: [],
      });
    });

    test("reloads, and a stop of one of the two, lose no request", { timeout: 180_000 }, async () => {
      const { proxy, one, two } = await behind(kind, EXPRESS);
      const load = startLoad(proxy.https);
      await load.more(100);
      await Promise.all([reload(one.server, 2), reload(two.server, 2)]);
      await load.more(100);
      expect([...load.tally.byHost.keys()].toSorted()).toEqual(["one", "two"]);
      one.server.signal("SIGTERM");
      expect(await one.server.exited).toEqual({ code: 0, signal: null });
      await load.more(100);
      // The only one there is now.
      await reload(two.server, 3);
      await load.more(100);
      const { failures } = await load.stop();
      expect(failures, proxy.said().slice(-2000)).toEqual([]);
    });

    test("a stop of the only host answers what is in flight", async () => {
      const { proxy, one, two } = await behind(kind, EXPRESS);
      two.server.signal("SIGINT");
      await two.server.exited;
      const asked = Array.from({ length: 10 }, () => askOverTls(proxy.https, "/slow"));
      await one.server.waitForOutput(/^(?:slow\n){10}$/);
      one.server.signal("SIGTERM");
      expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
      expect(await one.server.exited).toEqual({ code: 0, signal: null });
    });
  });

  describeWithPeers(`in front of a unix socket (${kind.name})`, [kind.peer], () => {
    test("a reload loses no request, and an environ says who the client is", { timeout: 180_000 }, async () => {
      const project = await tempProject({ "app.mjs": ENVIRON });
      // The proxy's user has to get there.
      await chmod(project.dir, 0o711);
      const args = [...OWN, "--bind", "unix:app.sock", ...ADMIN, "app.mjs"];
      const wrapper = ["sh", "-c", 'umask 000; exec "$@"', "sh"];
      const server = startTsgate(args, { cwd: project.dir, wrapper });
      await server.waitForReady(2);
      const checked = kind === HAPROXY ? { "port 9001": `port ${await adminPortOf(server)}` } : {};
      const socket = { "/run/app/tsgate.sock": project.path("app.sock"), ...checked };
      const proxy = await startProxy(kind, await tempProject(), socket, unixConfig(kind));
      const { text } = await askOverTls(proxy.https, "/", { headers: SPOOFED });
      expect(JSON.parse(text)).toMatchObject({ REMOTE_ADDR: CLIENT, HTTP_HOST: "app.example.org", scheme: "https" });
      const load = startLoad(proxy.https);
      await load.more(100);
      await reload(server, 2);
      await load.more(100);
      expect((await load.stop()).failures, proxy.said().slice(-2000)).toEqual([]);
    });
  });
});

describe("the PROXY protocol", () => {
  describeWithPeers("from HAProxy", [HAPROXY_TCP.peer], () => {
    test("says who the client is, over a reload too", () => introduces(HAPROXY_TCP, "v2"));
  });

  describeUnless(streamProblem(), "from nginx", () => {
    test("says who the client is, over a reload too", () => introduces(NGINX_STREAM, "v1"));
  });
});

async function introduces(kind: ProxyKind, version: string): Promise<void> {
  const project = await tempProject({
    "app.mjs": "export default ({ socket }, response) => response.end(`<${socket.remoteAddress} ${process.pid}>`);\n",
  });
  const args = [...OWN, "--bind", "127.0.0.1:0", "--proxy-protocol", version, "app.mjs"];
  const server = startTsgate(args, { cwd: project.dir });
  await server.waitForReady(2);
  const proxy = await startProxy(kind, await tempProject(), { "127.0.0.1:8001": await server.address() });
  const client = net.connect({ host: "127.0.0.1", port: proxy.http, localAddress: CLIENT });
  onTestFinished(() => void client.destroy());
  const raw = new RawClient(client);
  raw.get("/");
  await raw.received(/<127\.0\.0\.2 \d+>/);
  await reload(server, 2);
  raw.get("/");
  await raw.received(/>[^]*<127\.0\.0\.2 \d+>/);
  const pids = new Set([...raw.text.matchAll(/ (\d+)>/g)].map(([, pid]) => pid));
  // The same connection, another worker.
  expect(pids.size).toBe(2);
  expect(server.log.all("connections refused")).toEqual([]);
}

/** A proxy in front of two hosts that serve `app`. */
async function behind(kind: ProxyKind, app: string): Promise<{ proxy: RunningProxy; one: Host; two: Host }> {
  const project = await tempProject({ "app.mjs": app });
  await project.linkPackages("express", "ws");
  const [one, two] = await Promise.all([startHost(project, "one"), startHost(project, "two")]);
  const admin = kind === HAPROXY ? { "port 9001": `port ${one.adminPort}`, "port 9002": `port ${two.adminPort}` } : {};
  const servers = { "127.0.0.1:8001": `127.0.0.1:${one.port}`, "127.0.0.1:8002": `127.0.0.1:${two.port}`, ...admin };
  return { proxy: await startProxy(kind, await tempProject(), servers), one, two };
}

async function startHost(project: TempProject, name: string): Promise<Host> {
  const own = [...OWN, "--shutdown-delay", "4s", "--env", `HOST_NAME=${name}`, ...ADMIN];
  const server = startTsgate([...own, "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  return { server, port: await portOf(server), adminPort: await adminPortOf(server) };
}

async function portOf(server: Tsgate): Promise<number> {
  return Number((await server.address()).split(":").at(-1));
}

async function adminPortOf(server: Tsgate): Promise<number> {
  const target = await adminTarget(server);
  return "port" in target ? target.port : 0;
}
