/**
 * Clients that keep a worker waiting are cut, each at the timeout that is meant for it, while all others are served; and
 * clients that are slow and honest are not cut. On the shipped command, for every kind of application.
 */

import { readFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { slowClient } from "../support/slow-client.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, requestOnce, startTraffic } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import type { SlowEnd, SlowKind } from "../support/traffic/slow-client.mjs";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

/**
 * GET /big sends 50 MB, GET /never is never answered, anything else is answered with the length of its body. Whatever
 * is left by its client says so on the standard output.
 */
const LISTENER = `
  const BLOCK = Buffer.alloc(65536, "x");
  const listener = async (request, response) => {
    response.setHeader("x-worker-pid", process.pid);
    response.on("close", () => response.writableFinished || console.log("left " + request.url));
    if (request.url === "/never") return;
    if (request.url === "/late") return void setTimeout(() => { response.setHeader("x-late", 1); response.writeHead(200).end("late"); console.log("answered late"); }, 3000);
    if (request.url === "/big") {
      for (let sent = 0; sent < 800 && !response.destroyed; sent++)
        if (!response.write(BLOCK)) await new Promise((go) => response.once("drain", go).once("close", go));
      return void response.end();
    }
    let bytes = 0;
    try {
      for await (const chunk of request) bytes += chunk.length;
    } catch {
      return;
    }
    response.end("read " + bytes);
  };`;
const GATEWAY = `
  const BLOCK = Buffer.alloc(65536, "x");
  export const application = async (environ, startResponse) => {
    const path = environ.PATH_INFO;
    environ["gateway.signal"].addEventListener("abort", () => console.log("left " + path));
    if (path === "/never") return new Promise(() => {});
    let bytes = 0;
    for await (const chunk of environ["gateway.input"]) bytes += chunk.length;
    startResponse(200, [["x-worker-pid", String(process.pid)]]);
    return path === "/big" ? Array(800).fill(BLOCK) : ["read " + bytes];
  };`;
const FETCH = `
  const BLOCK = new Uint8Array(65536);
  export default {
    async fetch(request) {
      const path = new URL(request.url).pathname;
      request.signal.addEventListener("abort", () => console.log("left " + path));
      if (path === "/never") return new Promise(() => {});
      const { byteLength } = await request.arrayBuffer();
      let sent = 0;
      const big = () => new ReadableStream({ pull: (to) => (sent++ < 800 ? to.enqueue(BLOCK.slice()) : to.close()) });
      return new Response(path === "/big" ? big() : "read " + byteLength, { headers: { "x-worker-pid": process.pid } });
    },
  };`;
const NODE = `${LISTENER}\nexport default listener;\n`;
const KINDS = [
  ["node", NODE],
  ["gateway", GATEWAY],
  ["fetch", FETCH],
  ["server", `import http from "node:http";\n${LISTENER}\nhttp.createServer(listener).listen(3000);\n`],
] as const;

const TIMEOUTS = { headers: 2000, body: 2300, send: 2600, response: 2900 };
/** Each kind of slow client, the timeout that is meant for it, and what it is told. */
const ENDS: readonly (readonly [SlowKind, keyof typeof TIMEOUTS, RegExp, path?: string])[] = [
  ["idle connect", "headers", /^$/],
  ["half a head", "headers", /^HTTP\/1\.1 408 /],
  ["head drip", "headers", /^HTTP\/1\.1 408 /],
  ["no body", "body", /^HTTP\/1\.1 408 /],
  ["body drip", "body", /^HTTP\/1\.1 408 /],
  ["chunk drip", "body", /^HTTP\/1\.1 408 /],
  ["slow read", "send", /^$/, "/big"],
  ["patient client", "response", /^HTTP\/1\.1 504 /, "/never"],
];

async function start(code: string, args: readonly string[] = []): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  const flags = Object.entries(TIMEOUTS).flatMap(([name, ms]) => [`--${name}-timeout`, `${ms}ms`]);
  const own = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "200ms", ...flags];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  return server;
}

/** One timeout alone, the others off. */
function only(name: keyof typeof TIMEOUTS, ms: number): string[] {
  return Object.keys(TIMEOUTS).flatMap((each) => [`--${each}-timeout`, each === name ? `${ms}ms` : "0"]);
}

/** Not early, and not much later than meant on a machine that has other things to do. */
function expectAfter({ afterMs }: SlowEnd, ms: number): void {
  expect(afterMs).toBeGreaterThan(ms - 50);
  expect(afterMs).toBeLessThan(ms + 20_000);
}

describe.each(KINDS)("an application of kind %s", (kind, code) => {
  test("is rid of every slow client at its timeout, and serves the others meanwhile", async () => {
    const unix = ["--bind", "unix:app.sock"];
    const server = await start(code, unix);
    const targets = [await server.target(0), { path: (await server.address(1)).slice("unix:".length) }];
    const traffic = await startTraffic({
      target: await server.target(0),
      lingerMs: 200,
      keepAlive: 8,
      fresh: 2,
      idle: 10,
      freshPauseMs: 10,
      requests: [{}, { method: "POST", bodyBytes: 2000 }],
    });
    const clients = targets.flatMap((target) =>
      ENDS.map(([slowness, timeout, text, path]) => ({
        client: slowClient(target, slowness, path === undefined ? {} : { path }),
        what: `${slowness} over ${"path" in target ? "unix" : "tcp"}`,
        timeout,
        text,
      })),
    );
    for (const { client, what, timeout, text } of clients) {
      const end = await client.ended;
      expectAfter(end, TIMEOUTS[timeout]);
      expect({ what, text: end.text }).toEqual({ what, text: expect.stringMatching(text) as string });
    }
    for (const timeout of Object.keys(TIMEOUTS))
      await server.waitForRecord({ msg: "connections cut", timeout: `${timeout}-timeout` });
    for (const path of kind === "server" || kind === "node" ? ["/", "/big", "/never"] : ["/", "/never"])
      await server.waitForOutput(new RegExp(`^left ${path}$`, "m"));
    assertNothingLost(await traffic.stop());
    expect(server.records.filter(({ level }) => level >= 40)).toEqual([]);
  });
});

describe("a client that is slow and honest is not cut:", () => {
  test("an upload that goes on for longer than any timeout", async () => {
    const server = await start(NODE, only("body", 2000));
    const client = await connectRaw(await server.target());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n");
    for (let sent = 0; sent < 10_000; sent += 500) {
      await aMoment(150);
      client.send("x".repeat(500));
    }
    await client.received(/read 10000$/);
  });

  test("an upload that the application lets wait", async () => {
    const code = `export default async (request, response) => {
      await new Promise((go) => setTimeout(go, 3000));
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      response.end("read " + bytes);
    };`;
    const server = await start(code, only("body", 500));
    const client = await connectRaw(await server.target());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n" + "x".repeat(200_000));
    await client.received(/read 200000$/);
  });

  test.each(["gateway", "fetch"])("one that waits to be told to go on (%s), until it is told", async (kind) => {
    const code =
      kind === "gateway"
        ? `export const application = async (environ, startResponse) => {
             await new Promise((go) => setTimeout(go, 2000));
             const body = await environ["gateway.input"].read();
             startResponse(200, []);
             return ["read " + body.length];
           };`
        : `export default { async fetch(request) {
             await new Promise((go) => setTimeout(go, 2000));
             return new Response("read " + (await request.arrayBuffer()).byteLength);
           } };`;
    const server = await start(code, only("body", 1500));
    const [sends, waits] = [await connectRaw(await server.target()), await connectRaw(await server.target())];
    for (const client of [sends, waits])
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await sends.received(/ 100 Continue\r\n\r\n$/);
    sends.send("body");
    await sends.received(/read 4$/);
    expect((await waits.ended()).text).toMatch(/ 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
  });

  test("one that reads slowly, and steadily", async () => {
    const server = await start(NODE, only("send", 5000));
    const socket = net.connect({ ...(await server.target()) });
    onTestFinished(() => void socket.destroy());
    let end = "none";
    socket.on("error", () => (end = "reset")).on("end", () => (end = "fin"));
    socket.write("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // So slowly that the kernel takes nothing new from the server for longer than the timeout, again and again.
    const BYTES = 10_000;
    for (let turn = 0; turn < 280; turn++) {
      await aMoment(50);
      socket.read(Math.min(BYTES, socket.readableLength));
      expect(end).toBe("none");
    }
    // What is still on its way is read before the end, if that has come.
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await expect.poll(() => bytes).toBeGreaterThan(40_000_000);
    expect(end).toBe("none");
  });

  test("one that is sent nothing for a long time", async () => {
    const code = `export default (request, response) => {
      response.write("begun ");
      setTimeout(() => response.end("ended"), 3000);
    };`;
    const server = await start(code, ["--response-timeout", "500ms", "--send-timeout", "500ms"]);
    const client = await connectRaw(await server.target());
    client.get("/");
    await client.received(/ended/);
  });

  test("one that is idle between two requests", async () => {
    const server = await start(NODE, only("headers", 500));
    const client = await connectRaw(await server.target());
    client.get("/");
    await client.received(/read 0$/);
    await aMoment(2000);
    client.get("/");
    await client.received(/read 0[^]*read 0$/);
    client.send("GET / HT");
    await client.ended();
    expect(client.statuses).toEqual([200, 200, 408]);
  });

  test("one that was answered before its body had come, and then rests", async () => {
    const code = `export const application = (environ, startResponse) => (startResponse(200, []), ["early"]);`;
    const server = await start(code, ["--headers-timeout", "500ms", "--body-timeout", "1s"]);
    const client = await connectRaw(await server.target());
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
    await client.received(/early$/);
    client.send("0123456789");
    await aMoment(2000);
    client.get("/");
    await client.received(/early[^]*early$/);
  });

  test("a WebSocket that says nothing", async () => {
    const code = `export default (request, response) => response.end();
      export const upgrade = (request, socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n");
        socket.on("data", (chunk) => socket.write(chunk));
      };`;
    const server = await start(code, ["--headers-timeout", "500ms", "--body-timeout", "500ms"]);
    const client = await connectRaw(await server.target());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await client.received(/ 101 /);
    await aMoment(2000);
    client.send("\x81\x80\0\0\0\0");
    await client.received(/\x81\x80\0\0\0\0$/);
  });

  test("those whose bytes lay unread while the worker stood still", async () => {
    const server = await start(NODE, ["--timeout", "0", "--headers-timeout", "1s", "--body-timeout", "1s"]);
    const [worker = 0] = server.workerPids();
    const target = await server.target();
    const [early, half, upload] = await Promise.all([connectRaw(target), connectRaw(target), connectRaw(target)]);
    half.send("GET / HTTP/1.1\r\nHost: ");
    upload.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n");
    // The worker has them all, and answers this after them.
    expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
    process.kill(worker, "SIGSTOP");
    early.get("/");
    half.send("localhost\r\n\r\n");
    upload.send("body");
    await aMoment(3000);
    process.kill(worker, "SIGCONT");
    await Promise.all([early.received(/read 0$/), half.received(/read 0$/), upload.received(/read 4$/)]);
  });
});

describe("a timeout", () => {
  test("does not take the answer from a request that stands before a slow one", async () => {
    const code = `export default async (request, response) => {
      for await (const chunk of request);
      setTimeout(() => response.end("first"), 2500);
    };`;
    const server = await start(code, ["--headers-timeout", "500ms", "--body-timeout", "500ms"]);
    const [head, body] = [await connectRaw(await server.target()), await connectRaw(await server.target())];
    const first = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    head.send(`${first}GET / HTTP/1.1\r\nHost: lo`);
    body.send(`${first}POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx`);
    await Promise.all([head, body].map((client) => client.received(/first$/)));
    head.send("c");
    await Promise.all([head.ended(), body.ended()]);
    expect([head.statuses, body.statuses]).toEqual([
      [200, 408],
      [200, 408],
    ]);
  });

  test("holds for each of the requests that stand in line", async () => {
    const code = `export default (request, response) => request.url === "/never" || response.end("answered");`;
    const server = await start(code, only("response", 1000));
    const client = await connectRaw(await server.target());
    for (const path of ["/", "/never", "/"]) client.get(path);
    const asking = setInterval(() => client.get("/"), 200);
    onTestFinished(() => clearInterval(asking));
    await client.ended();
    expect(client.statuses).toEqual([200, 504]);
  });

  test("of the answer does no harm to an application that answers late", async () => {
    const server = await start(NODE, only("response", 500));
    const client = await connectRaw(await server.target());
    client.get("/late");
    await client.ended();
    expect(client.statuses).toEqual([504]);
    await server.waitForOutput(/answered late/);
    expect(await requestOnce(await server.target())).toMatchObject({ outcome: "ok" });
    expect(server.records.filter(({ level }) => level >= 40)).toEqual([]);
  });

  test("of the answer reaches a client that is still sending", async () => {
    const server = await start(NODE, only("response", 500));
    const client = await connectRaw(await server.target());
    client.send("POST /never HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n" + "x".repeat(2e7));
    await client.ended();
    expect(client).toMatchObject({ end: "fin", statuses: [504] });
  });

  test("holds while the server stops, which is done as soon as nobody is left", async () => {
    const server = await start(NODE, ["--graceful-timeout", "30s"]);
    const target = await server.target();
    const [drip, steady] = [slowClient(target, "body drip"), await connectRaw(target)];
    steady.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n");
    expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
    server.signal("SIGTERM");
    await server.waitForRecord("worker draining");
    for (let sent = 0; sent < 5000; sent += 250) {
      steady.send("x".repeat(250));
      await aMoment(150);
    }
    await steady.received(/read 5000$/);
    expect((await drip.ended).text).toMatch(/^HTTP\/1\.1 408 /);
    const stopping = performance.now();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - stopping).toBeLessThan(20_000);
    expect(server.log.all("drain deadline passed")).toEqual([]);
  });

  test("is told to the log with how many, not once for each", async () => {
    const server = await start(NODE, only("headers", 1000));
    const target = await server.target();
    const clients = Array.from({ length: 300 }, () => slowClient(target, "half a head"));
    await Promise.all(clients.map(({ ended }) => ended));
    await server.waitForRecord("connections cut");
    expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
    expect(server.log.all("connections cut").length).toBeLessThan(3);
    expect(server.log.all("connections cut")[0]).toMatchObject({ timeout: "headers-timeout", client: "127.0.0.1" });
  });
});

describe("a program's own server", () => {
  const program = (settings: string): string =>
    `import http from "node:http";\n${LISTENER}\nconst server = http.createServer(listener);\n${settings};\nserver.listen(3000);\n`;
  const endOf = async (server: Tsgate, kind: SlowKind): Promise<SlowEnd> =>
    slowClient(await server.target(), kind).ended;

  test("keeps the time for a head that it has set itself", async () => {
    const project = await tempProject({ "app.mjs": program("server.headersTimeout = 700") });
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
    await server.waitForReady(1);
    expectAfter(await endOf(server, "head drip"), 700);
  });

  test("takes that of the flag all the same when it is given", async () => {
    const project = await tempProject({ "app.mjs": program("server.headersTimeout = 60_000") });
    const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--bind", "unix:app.sock", "--headers-timeout", "700ms"];
    const server = startTsgate([...args, "app.mjs"], { cwd: project.dir });
    await server.waitForReady(1);
    expectAfter(await endOf(server, "head drip"), 700);
  });

  test("that gives requests a time of its own is not judged by the pace of their bodies", async () => {
    const settings = "Object.assign(server, { requestTimeout: 2000, connectionsCheckingInterval: 200 })";
    const project = await tempProject({ "app.mjs": program(settings) });
    const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
    await server.waitForReady(1);
    const end = await endOf(server, "body drip");
    expectAfter(end, 2000);
    expect(end.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  const pem = (name: string): string => new URL(`../fixtures/tls/${name}.pem`, import.meta.url).pathname;
  const secure = (module: string, create: string): string =>
    `import web from "node:${module}";\nimport { readFileSync } from "node:fs";\n${LISTENER}\n
     const options = { key: readFileSync("${pem("key")}"), cert: readFileSync("${pem("cert")}") };
     web.${create}(options, listener).listen(3443);\n`;

  test("that encrypts: silence in the handshake, in a head, and a client that does not read", async () => {
    const server = await start(secure("https", "createServer"), only("headers", 2000));
    const target = await server.target();
    const silent = slowClient(target, "idle connect");
    expectAfter(await silent.ended, 2000);
    const half = tls.connect({ ...target, ca: readFileSync(pem("cert")), servername: "localhost" });
    half.write("GET / HT");
    let text = "";
    half.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    await new Promise((closed) => half.once("close", closed));
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("that encrypts: a client that does not read", async () => {
    const server = await start(secure("https", "createServer"), only("send", 1000));
    const deaf = tls.connect({ ...(await server.target()), ca: readFileSync(pem("cert")), servername: "localhost" });
    deaf.on("error", () => {});
    deaf.write("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await server.waitForOutput(/^left \/big$/m);
    await server.waitForRecord({ msg: "connections cut", timeout: "send-timeout" });
    deaf.destroy();
  });

  test("that speaks HTTP/2: a session may be idle, and is cut when nothing that is sent is taken", async () => {
    const server = await start(secure("http2", "createSecureServer"), only("send", 1000));
    const between = await proxy(await server.target());
    const options = { ca: readFileSync(pem("cert")), family: 4, settings: { initialWindowSize: 2 ** 30 } };
    const session = http2.connect(`https://localhost:${between.port}`, options as http2.SecureClientSessionOptions);
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    await new Promise((connected) => session.once("connect", connected));
    session.setLocalWindowSize(2 ** 30);
    const ask = (path: string): Promise<unknown> => {
      const stream = session.request({ ":path": path }).on("error", () => {});
      stream.resume();
      return new Promise((answered) => stream.once("response", answered));
    };
    expect(await ask("/")).toMatchObject({ ":status": 200 });
    await aMoment(3000);
    expect(await ask("/big")).toMatchObject({ ":status": 200 });
    between.stopReading();
    await server.waitForRecord({ msg: "connections cut", timeout: "send-timeout" });
    expect(server.log.all("connections cut")).toHaveLength(1);
  });
});

/** Stands between a client and the server, and stops to read what the server sends when it is told to. */
async function proxy(target: Target): Promise<{ port: number; stopReading: () => void }> {
  const sockets: net.Socket[] = [];
  let stopReading = (): void => {};
  const server = net.createServer((client) => {
    const upstream = net.connect({ ...target });
    for (const socket of [client, upstream]) socket.on("error", () => {});
    sockets.push(client, upstream);
    client.pipe(upstream).pipe(client);
    stopReading = () => void upstream.unpipe(client).pause();
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { port: (server.address() as net.AddressInfo).port, stopReading: () => stopReading() };
}

/** The client's own slowness, which is what is tested; nothing is waited for with it. */
async function aMoment(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
