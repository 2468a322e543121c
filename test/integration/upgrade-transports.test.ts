/**
 * Upgrades behind both transports: what the application is given, what clients, the log, the access log and the metrics
 * are told is the same, whichever serves. The WebSockets are those of `ws`.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { ADMIN, untilMetrics } from "../support/admin.ts";
import { headerLine } from "../support/proxy-headers.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { type TempProject, tempProject } from "../support/temp-project.ts";
import { startTsgate, type Tsgate } from "../support/tsgate.ts";

const APP = `
import http from "node:http";
import { WebSocketServer } from "ws";

export const application = (environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return ["answered " + environ.PATH_INFO + " " + (environ.HTTP_UPGRADE ?? "") + ";"];
};

const sockets = new WebSocketServer({ noServer: true });
sockets.on("connection", (socket, request) => {
  socket.send(request.url);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});

const SWITCHING = "HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: x\\r\\n\\r\\n";
const EVENTS = ["data", "end", "error", "drain", "readable", "timeout", "pause", "resume"];

export function upgrade(request, socket, head) {
  const { pathname: path } = new URL(request.url, "http://localhost");
  const steps = {
    "/ws": () => sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened, request)),
    "/echo": () => (socket.write(SWITCHING), socket.unshift(head), socket.pipe(socket)),
    "/facts": () => socket.end(SWITCHING + JSON.stringify(factsOf(request, socket, head)) + "END"),
    "/body": async () => {
      let length = 0;
      for await (const chunk of request) length += chunk.length;
      socket.end(SWITCHING + "body of " + length + " " + request.readableEnded);
    },
    "/routed": () => {
      // As those do who have their framework route an upgrade.
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      response.writeHead(426, { "X-Routed": request.headers.upgrade, Date: "", Connection: "close" });
      response.end("upgrade required");
      response.on("finish", () => socket.end());
    },
    "/refused": () => socket.end("HTTP/1.1 401 Unauthorized\\r\\nConnection: close\\r\\n\\r\\n"),
    "/throws": () => { throw new Error("thrown by upgrade"); },
    "/rejects": async () => { throw new Error("rejected by upgrade"); },
    "/ignored": () => socket.on("error", () => {}).resume().on("end", () => socket.end()),
  };
  return steps[path]();
}

function factsOf(request, socket, head) {
  const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, complete, upgrade, aborted } = request;
  const { rawHeaders, headers, headersDistinct, trailers, rawTrailers, readableEnded, originalUrl, baseUrl } = request;
  return {
    method, url, httpVersion, httpVersionMajor, httpVersionMinor, complete, upgrade, aborted,
    rawHeaders, headers, headersDistinct, trailers, rawTrailers, readableEnded, originalUrl, baseUrl,
    isOwn: request instanceof http.IncomingMessage && request.socket === socket && request.connection === socket,
    head: head.toString(), isBuffer: Buffer.isBuffer(head),
    listeners: Object.fromEntries(EVENTS.map((event) => [event, socket.listenerCount(event)])),
    flows: socket.readableFlowing, isPaused: socket.isPaused(), timeout: socket.timeout ?? 0,
    allowsHalfOpen: socket.allowHalfOpen, remoteAddress: socket.remoteAddress, remotePort: socket.remotePort,
  };
}
`;

const PLAIN = `
export const application = (environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return ["plain " + environ.PATH_INFO + ";"];
};
`;

const asking = (path: string, fields = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\nX-Request-Id: id\r\n${fields}\r\n`;

interface Served {
  readonly server: Tsgate;
  readonly project: TempProject;
  readonly connect: () => Promise<RawClient>;
}

async function start(transport: string, args: readonly string[] = []): Promise<Served> {
  const project = await tempProject({ "app.mjs": APP, "plain.mjs": PLAIN });
  await project.linkPackages("ws");
  const usual = ["--transport", transport, "--bind", "127.0.0.1:0", "--workers", "1", "--linger", "100ms"];
  const server = startTsgate([...usual, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  const target = await server.target();
  return { server, project, connect: () => connectRaw(target) };
}

const wholeOf = async (client: RawClient, text: string): Promise<string> => {
  client.send(text);
  await client.ended();
  // What is a matter of the moment, or of the order in which headers are written.
  return client.text.replaceAll(/(?:Date|X-Request-Id): [^\r]*\r\n/g, "");
};

const TOO_LARGE = "too large";

/** What is asked, each on a connection of its own, and ends it. */
const ASKED: Readonly<Record<string, string>> = {
  facts: asking(
    "/facts?a=1",
    "Cookie: a=1\r\nX-A: 1\r\ncookie: b=2\r\nx-a:  2 \r\nAge: 1\r\nAge: 2\r\nX_Under: u\r\nX-Latin: \xe9\r\n",
  ),
  "facts, with what has come behind": `${asking("/facts")}this is not HTTP\r\n\r\n`,
  "facts, of another method and an absolute target": asking("/facts")
    .replace("GET /", "POST http://localhost/")
    .replace("Connection: Upgrade", "Connection: x, upgrade"),
  "facts, below a mount": asking("/below/facts?a"),
  body: asking("/body"),
  routed: asking("/routed"),
  refused: asking("/refused"),
  throws: asking("/throws"),
  rejects: asking("/rejects"),
  "not taken": asking("/plain/ws", "Connection: close\r\n"),
  "asked for on HTTP/1.1 without Connection": asking("/facts").replace("Connection: Upgrade", "Connection: close"),
  "asked for without saying what": asking("/facts", "Connection: close\r\n").replace("Upgrade: x\r\n", ""),
  [TOO_LARGE]: asking("/facts", `X-Large: ${"x".repeat(10_000)}\r\n`),
};

/** How many of those are taken. */
const TAKEN = 9;

const ARGS = [
  "--mount=/plain=plain.mjs",
  "--mount=/below=app.mjs",
  "--access-logfile=access.log",
  "--access-logformat=%(r)s %(s)s %({upgrade}i)s %({x-request-id}i)s",
];

/** All that clients and operators are told, over one transport. */
async function told(transport: string): Promise<Record<string, unknown>> {
  const { server, project, connect } = await start(transport, [...ADMIN, ...ARGS]);
  const replies: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(ASKED)) {
    const client = await connect();
    const { localPort } = client.socket;
    const whole = await wholeOf(client, text);
    // Over the engine a refusal says why.
    replies[name] = name === TOO_LARGE ? client.statuses : whole.replace(`"remotePort":${localPort}`, "");
  }
  const { series } = await untilMetrics(
    server,
    (value) => value("tsgate_connections") === 0 && value("tsgate_upgrades_total") === TAKEN,
  );
  const lines = (): string[] => readFileSync(project.path("access.log"), "utf8").trim().split("\n");
  await expect.poll(lines, { timeout: 45_000 }).toHaveLength(Object.keys(ASKED).length);
  await server.waitForRecord("application error", { nth: 2 });
  const errors = server.log
    .all("application error")
    .map(({ method, path, error }) => ({ method, path, message: (error as Error).message }));
  const answered = ["/", "/plain"].map((mount) => series.get(`tsgate_requests_total{mount="${mount}",status="2xx"}`));
  return {
    replies,
    errors,
    answered,
    lines: lines()
      .filter((line) => !line.includes(" 431 "))
      .toSorted(),
  };
}

test("all that clients, the log, the access log and the metrics are told of upgrades is the same over both", async () => {
  const [engine, node] = [await told("engine"), await told("node")];
  expect(engine).toEqual(node);
  const { replies, errors, answered, lines } = engine;
  expect(replies).toMatchObject({
    "facts, with what has come behind": expect.stringContaining('"head":"this is not HTTP\\r\\n\\r\\n"'),
    body: expect.stringMatching(/body of 0 true$/),
    routed: expect.stringMatching(/^HTTP\/1\.1 426 [^]*X-Routed: x\r\n[^]*upgrade required\r\n/),
    throws: "",
    rejects: "",
    "not taken": expect.stringMatching(/ 200 OK[^]*plain \/ws;$/),
    [TOO_LARGE]: [431],
  });
  expect(errors).toEqual([
    { method: "GET", path: "/throws", message: "thrown by upgrade" },
    { method: "GET", path: "/rejects", message: "rejected by upgrade" },
  ]);
  expect(answered).toEqual([2, 1]);
  expect(lines).toContain("GET /routed HTTP/1.1 426 x id");
});

describe.each(["engine", "node"])("over %s", (transport) => {
  test("`ws` talks to its own client, in frames of any size, and a stop closes both with 1001", async () => {
    const { server } = await start(transport);
    const { host, port } = (await server.target()) as { host: string; port: number };
    const socket = new WebSocket(`ws://${host}:${port}/ws?room=1`);
    onTestFinished(() => socket.terminate());
    const [greeting] = (await once(socket, "message")) as [Buffer];
    expect(greeting.toString()).toBe("/ws?room=1");
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const sent = Buffer.alloc(size, `${size}.`);
      socket.send(sent);
      const [received] = (await once(socket, "message")) as [Buffer];
      expect(received.equals(sent)).toBe(true);
    }
    const closed = once(socket, "close");
    server.signal("SIGTERM");
    expect((await closed)[0]).toBe(1001);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("a proxy's client stays who it is", async () => {
    const { connect } = await start(transport, ["--proxy-protocol", "v1"]);
    const client = await connect();
    const header = headerLine({ address: "192.0.2.7", port: 4711 });
    const whole = await wholeOf(client, `${header}${asking("/facts")}behind`);
    expect(whole).toMatch(/"head":"behind".*"remoteAddress":"192\.0\.2\.7","remotePort":4711/);
  });

  test("no limit of concurrency holds an upgrade up, and its connection counts until it closes", async () => {
    const { server, connect } = await start(transport, ["--limit-concurrency", "1", "--worker-connections", "1"]);
    const client = await connect();
    client.send(`${asking("/echo")}first`);
    await client.received(/ 101 [^]*first$/);
    const next = await connect();
    next.send("GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    await server.waitForRecord("connection limit reached");
    client.send("second");
    await client.received(/second$/);
    expect(next.text).toBe("");
    client.socket.end();
    await client.ended();
    await next.received(/answered \/next /);
  });

  test("what an application leaves unanswered is read as no request", async () => {
    const { server, connect } = await start(transport);
    const client = await connect();
    client.send(`${asking("/ignored")}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`);
    client.get("/smuggled");
    client.socket.end();
    await client.ended();
    expect([client.text, client.end]).toEqual(["", "fin"]);
    expect((await server.stop()).code).toBe(0);
  });
});
