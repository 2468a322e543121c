/** The traffic client is the judge of every guarantee: each kind of misbehaviour must be seen for what it is. */

import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { TrafficClient } from "../../support/traffic/client.mjs";
import { connect, Connection, requestOnce } from "../../support/traffic/connection.mjs";
import type { IdleEvent, Target } from "../../support/traffic/connection.mjs";
import { heldConnections } from "../../support/traffic/held-connections.mjs";
import { logUniform, seeded } from "../../support/traffic/random.mjs";
import { ReplyParser } from "../../support/traffic/reply-parser.mjs";
import { startTraffic } from "../../support/traffic/start.mjs";
import { failedCount, unexcusedFailures } from "../../support/traffic/tally.mjs";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Worker-Pid: 4711\r\n\r\nok";

type Transport = "TCP" | "unix";

/** Starts a server whose every connection is `serve`'s; it ends with the test. */
async function startServer(
  transport: Transport,
  serve: (socket: net.Socket) => void,
  options: net.ServerOpts = {},
): Promise<Target> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, ...options }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  if (transport === "unix") {
    const folder = await mkdtemp(path.join(tmpdir(), "tsgate-traffic-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const target = { path: path.join(folder, "server.sock") };
    await new Promise<void>((resolve) => server.listen(target, resolve));
    return target;
  }
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const address = server.address() as net.AddressInfo;
  return { host: "127.0.0.1", port: address.port };
}

/** A server that answers every request with `answer`, whatever that does. */
function answering(answer: (socket: net.Socket, request: number) => void): (socket: net.Socket) => void {
  return (socket) => {
    let request = 0;
    socket.on("data", () => answer(socket, (request += 1)));
    socket.on("end", () => socket.end());
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

async function connected(target: Target, timeoutMs = 10_000): Promise<{ connection: Connection; idle: IdleEvent[] }> {
  const idle: IdleEvent[] = [];
  const connection = await connect(target, { timeoutMs, onIdleEvent: (event) => idle.push(event) });
  if (!(connection instanceof Connection)) throw new Error(`no connection: ${connection.detail}`);
  onTestFinished(() => connection.close());
  return { connection, idle };
}

describe.each<Transport>(["TCP", "unix"])("a request over %s", (transport) => {
  const misbehaviours: readonly (readonly [name: string, outcome: string, answer: (socket: net.Socket) => void])[] = [
    ["a good reply", "ok", (socket) => socket.write(OK)],
    ["status 500", "badStatus", (socket) => socket.write("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")],
    ["what is no HTTP", "badStatus", (socket) => socket.write("SSH-2.0-nonsense\r\n\r\n")],
    ["more than the reply", "badStatus", (socket) => socket.write(`${OK}HTTP/1.1 200 OK\r\n\r\n`)],
    ["an end without a reply", "closedBeforeReply", (socket) => socket.end()],
    ["a close without a reply", "closedBeforeReply", (socket) => socket.destroy()],
    ["half a head", "reset", (socket) => socket.end("HTTP/1.1 200")],
    ["half a body", "reset", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")],
    [
      "half of its chunks",
      "reset",
      (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ],
    ["nothing", "timedOut", () => {}],
    ["half a reply and then nothing", "timedOut", (socket) => socket.write("HTTP/1.1 200 OK\r\n")],
  ];

  test.for(misbehaviours)("answered with %s is %s", async ([, outcome, answer]) => {
    const target = await startServer(transport, answering(answer));
    const exchange = await requestOnce(target, {}, { timeoutMs: outcome === "timedOut" ? 100 : 10_000 });
    expect(exchange.outcome).toBe(outcome);
  });

  test("on a kept connection that the server closes after reading it is closedBeforeReply", async () => {
    const target = await startServer(
      transport,
      answering((socket, request) => (request === 1 ? socket.write(OK) : socket.destroy())),
    );
    const { connection } = await connected(target);
    expect((await connection.request({})).outcome).toBe("ok");
    await sleep(5);
    expect((await connection.request({}, { afterIdle: true })).outcome).toBe("closedBeforeReply");
  });

  test("that waits unread in the socket when the server closes it is reset, and not crossed", async () => {
    const sockets: net.Socket[] = [];
    const target = await startServer(transport, (socket) => sockets.push(socket), { pauseOnConnect: true });
    const { connection } = await connected(target);
    await until(() => sockets.length === 1);
    const exchange = connection.request({}, { afterIdle: true });
    await sleep(20);
    for (const socket of sockets) socket.destroy();
    expect(await exchange).toMatchObject({ outcome: "reset", detail: "ECONNRESET" });
  });

  test("written after the server has closed the idle connection is crossed", async () => {
    const sockets: net.Socket[] = [];
    const target = await startServer(transport, (socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write(OK));
    });
    const { connection } = await connected(target);
    expect((await connection.request({})).outcome).toBe("ok");
    // In one tick, so that the end is in our kernel and has not been read.
    for (const socket of sockets) socket.destroy();
    expect((await connection.request({}, { afterIdle: true })).outcome).toBe("crossed");
  });

  test("written at once on a fresh connection never counts as crossed", async () => {
    const sockets: net.Socket[] = [];
    const target = await startServer(transport, (socket) => sockets.push(socket));
    const { connection } = await connected(target);
    await until(() => sockets.length === 1);
    for (const socket of sockets) socket.destroy();
    expect(["reset", "closedBeforeReply"]).toContain((await connection.request({})).outcome);
  });

  test("that leaves in pieces is answered when the last one has arrived, and not before", async () => {
    let received = "";
    const target = await startServer(transport, (socket) =>
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
        if (received.endsWith("\r\n\r\nxxxxx")) socket.write(OK);
      }),
    );
    const shape = { method: "POST", bodyBytes: 5, drip: { bytes: 20, everyMs: 10 } };
    const { outcome, startedAt, endedAt } = await requestOnce(target, shape);
    expect(outcome).toBe("ok");
    expect(endedAt - startedAt).toBeGreaterThan(10 * Math.floor((received.length - 1) / 20) - 5);
  });

  test("whose reply is read slowly keeps the server waiting", async () => {
    const body = Buffer.alloc(10_000_000, "x");
    let writtenAt = 0;
    const target = await startServer(
      transport,
      answering((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.write(body, () => (writtenAt = Date.now()));
      }),
    );
    const { outcome, startedAt, reply } = await requestOnce(target, { readEveryMs: 5 });
    expect([outcome, reply?.body.length]).toEqual(["ok", body.length]);
    expect(writtenAt - startedAt).toBeGreaterThan(50);
  });

  test("is not written again by anybody", async () => {
    let requests = 0;
    const target = await startServer(
      transport,
      answering((socket) => {
        requests += 1;
        socket.destroy();
      }),
    );
    await requestOnce(target);
    await sleep(20);
    expect(requests).toBe(1);
  });

  test("names the worker that answered", async () => {
    const target = await startServer(
      transport,
      answering((socket) => socket.write(OK)),
    );
    const { connection } = await connected(target);
    await connection.request({});
    expect(connection.lastPid).toBe(4711);
  });

  test("to an address where nobody listens is refused", async () => {
    const target =
      transport === "unix" ? { path: path.join(tmpdir(), "tsgate-nobody.sock") } : { host: "127.0.0.1", port: 1 };
    expect((await requestOnce(target)).outcome).toBe("refused");
  });

  test("is followed by idle events, not failures, when the server closes the quiet connection", async () => {
    const sockets: net.Socket[] = [];
    const target = await startServer(transport, (socket) => sockets.push(socket));
    const [first, second] = [await connected(target), await connected(target)];
    await until(() => sockets.length === 2);
    sockets[0]?.destroy();
    sockets[1]?.write("HTTP/1.1 408 Request Timeout\r\n\r\n");
    await until(() => !first.connection.isOpen && !second.connection.isOpen);
    expect([first.idle, second.idle]).toEqual([["closed"], ["unsolicited"]]);
    expect([first.connection.isOpen, second.connection.isOpen]).toEqual([false, false]);
  });
});

test("a reset of a quiet TCP connection is an idle event", async () => {
  const sockets: net.Socket[] = [];
  const target = await startServer("TCP", (socket) => sockets.push(socket));
  const { connection, idle } = await connected(target);
  await until(() => sockets.length === 1);
  for (const socket of sockets) socket.resetAndDestroy();
  await until(() => !connection.isOpen);
  expect([idle, connection.isOpen]).toEqual([["reset"], false]);
});

test("a reset in answer to a request is reset", async () => {
  const target = await startServer(
    "TCP",
    answering((socket) => socket.resetAndDestroy()),
  );
  expect(await requestOnce(target)).toMatchObject({ outcome: "reset", detail: "ECONNRESET" });
});

describe("a reply", () => {
  const replies: readonly (readonly [name: string, text: string, body: string])[] = [
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
    ["without a body", "HTTP/1.1 204 No Content\r\n\r\n", ""],
    [
      "in chunks with trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
      "hello!",
    ],
    [
      "after an interim one",
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
      "a",
    ],
  ];

  test.for(replies)("%s is read, byte by byte as in one piece", ([, text, body]) => {
    const whole = new ReplyParser("GET").push(Buffer.from(text));
    expect(whole?.body.toString()).toBe(body);
    const parser = new ReplyParser("GET");
    const bytes = [...Buffer.from(text)].map((byte) => parser.push(Buffer.from([byte])));
    expect(bytes.slice(0, -1).every((reply) => reply === undefined)).toBe(true);
    expect(bytes.at(-1)?.body.toString()).toBe(body);
  });

  test("to HEAD has a length and no body", () => {
    expect(new ReplyParser("HEAD").push(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))?.status).toBe(200);
  });

  test("that only the end of the connection ends is whole then, and not before", () => {
    const parser = new ReplyParser("GET");
    expect(parser.push(Buffer.from("HTTP/1.1 200 OK\r\n\r\nhel"))).toBeUndefined();
    expect(parser.push(Buffer.from("lo"))).toBeUndefined();
    expect(parser.finish()).toMatchObject({ mustClose: true, body: Buffer.from("hello") });
  });

  test("that announces the close is the last on its connection", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n";
    expect(new ReplyParser("GET").push(Buffer.from(text))?.mustClose).toBe(true);
  });
});

test("the client's port is known also when the connection has ended", async () => {
  const target = await startServer(
    "TCP",
    answering((socket) => socket.resetAndDestroy()),
  );
  const { connection } = await connected(target);
  const port = connection.localPort;
  expect(port).toBeGreaterThan(0);
  await connection.request({});
  expect(connection.localPort).toBe(port);
});

describe("the connections that a process holds", () => {
  test("are named by their clients' ports", async () => {
    const target = await startServer("TCP", () => {});
    const { connection } = await connected(target);
    await until(() => heldConnections("self").ports.includes(connection.localPort ?? 0));
    connection.close();
  });

  test("are counted on unix sockets, accepted ones alone", async () => {
    const before = heldConnections("self").unix;
    const target = await startServer("unix", () => {});
    await Promise.all([connected(target), connected(target), connected(target)]);
    await until(() => heldConnections("self").unix - before >= 3);
    expect(heldConnections("self").unix - before).toBe(3);
  });

  test("are none when there is no such process", () => {
    expect(heldConnections(2 ** 30)).toEqual({ ports: [], unix: 0 });
  });
});

describe("the traffic", () => {
  const quick = { lingerMs: 40, keepAlive: 6, fresh: 2, idle: 20, timeoutMs: 10_000 };

  test.each<Transport>(["TCP", "unix"])(
    "counts every request over %s once, by kind and by worker",
    async (transport) => {
      let served = 0;
      const target = await startServer(
        transport,
        answering((socket) => {
          served += 1;
          socket.write(OK);
        }),
      );
      const client = new TrafficClient({ target, ...quick });
      client.start();
      await until(() => Math.min(...Object.values(client.snapshot().byKind)) > 5);
      const tally = await client.stop();
      expect(tally.requests).toBe(served);
      expect(tally.outcomes).toEqual({ ...tally.outcomes, ok: served, crossed: 0, clientError: 0 });
      expect(failedCount(tally)).toBe(0);
      expect(tally.byPid).toEqual({ "4711": served });
      expect(tally.idle).toEqual({ closed: 0, reset: 0, unsolicited: 0, toldToClose: 0 });
    },
  );

  test("obeys Connection: close and publishes how often it was told to", async () => {
    let connections = 0;
    const target = await startServer("TCP", (socket) => {
      connections += 1;
      answering(() => socket.end(OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")))(socket);
    });
    const client = new TrafficClient({ target, ...quick, fresh: 0, idle: 0 });
    client.start();
    await until(() => client.snapshot().outcomes.ok > 20);
    const tally = await client.stop();
    expect(tally.outcomes.ok).toBe(tally.requests);
    expect(tally.idle.toldToClose).toBe(tally.requests);
    expect(connections).toBe(tally.requests);
  });

  test("counts a server's closes of idle connections apart from failures", async () => {
    const target = await startServer("TCP", (socket) => socket.setTimeout(15, () => socket.destroy()));
    const client = new TrafficClient({ target, ...quick, keepAlive: 0, fresh: 0, idleSpanMs: 60_000 });
    client.start();
    await until(() => client.snapshot().idle.closed === quick.idle);
    const tally = await client.stop();
    expect(tally).toMatchObject({
      requests: 0,
      idle: { closed: quick.idle, reset: 0, unsolicited: 0, toldToClose: 0 },
    });
  });

  test("opens a new connection after one that was closed without a word, and has lost nothing", async () => {
    const target = await startServer(
      "TCP",
      answering((socket) => socket.end(OK)),
    );
    const client = new TrafficClient({ target, ...quick, fresh: 0, idle: 0 });
    client.start();
    await until(() => client.snapshot().outcomes.ok > 50);
    const tally = await client.stop();
    expect(tally.outcomes.ok).toBe(tally.requests);
    expect(tally.idle.closed).toBeGreaterThan(50 - quick.keepAlive);
  });

  test("notes when a worker first closed an idle connection, and when it last kept one", async () => {
    const startedAt = Date.now();
    const target = await startServer(
      "TCP",
      answering((socket) => {
        socket.write(OK);
        socket.setTimeout(15, () => socket.end());
      }),
    );
    const client = new TrafficClient({ target, ...quick, keepAlive: 4, fresh: 0, idle: 0 });
    client.start();
    await until(() => client.snapshot().idle.closed > 3);
    const { firstIdleCloseByPid, lastKeptByPid } = await client.stop();
    expect(Object.keys(firstIdleCloseByPid)).toEqual(["4711"]);
    expect(firstIdleCloseByPid["4711"]).toBeGreaterThan(startedAt);
    expect(lastKeptByPid["4711"]).toBeGreaterThan(firstIdleCloseByPid["4711"] ?? Infinity);
  });

  test("asks no more of a server that was expected to end, once it is refused", async () => {
    const client = new TrafficClient({ target: { host: "127.0.0.1", port: 1 }, ...quick });
    client.expectEnd();
    client.start();
    const connections = quick.keepAlive + quick.fresh + quick.idle;
    await until(() => client.snapshot().outcomes.refused === connections);
    await sleep(200);
    expect((await client.stop()).requests).toBe(connections);
  });

  test("reports each failure with what is needed to understand it", async () => {
    const target = await startServer(
      "TCP",
      answering((socket, request) => (request === 1 ? socket.write(OK) : socket.resetAndDestroy())),
    );
    const client = new TrafficClient({ target, ...quick, keepAlive: 1, fresh: 0, idle: 0 });
    client.start();
    await until(() => client.snapshot().failures.length > 2);
    const tally = await client.stop();
    expect(failedCount(tally)).toBe(tally.failures.length);
    expect(tally.failures[0]).toMatchObject({
      kind: "keep-alive",
      outcome: "reset",
      detail: "ECONNRESET",
      lastPid: 4711,
      repliesBefore: 1,
      bytesReceived: 0,
    });
    expect(unexcusedFailures(tally)).toHaveLength(tally.failures.length);
    expect(unexcusedFailures(tally, [4711])).toEqual([]);
  });

  test("runs in a process of its own, which leaves when it has answered", async () => {
    const target = await startServer(
      "TCP",
      answering((socket) => socket.write(OK)),
    );
    const traffic = await startTraffic({ target, ...quick });
    onTestFinished(() => traffic.kill());
    const seen = await traffic.until(({ outcomes }) => outcomes.ok > 50);
    const tally = await traffic.stop();
    expect(tally.outcomes.ok).toBeGreaterThanOrEqual(seen.outcomes.ok);
    expect(await traffic.stop()).toBe(tally);
  });
});

test("pauses are spread evenly over their orders of magnitude, the same for the same seed", () => {
  const pauses = (seed: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: 4000 }, () => logUniform(random, 1, 10_000));
  };
  const counts = [1, 10, 100, 1000].map((low) => pauses(7).filter((pause) => pause >= low && pause < 10 * low).length);
  expect(Math.min(...counts)).toBeGreaterThan(900);
  expect(pauses(7)).toEqual(pauses(7));
  expect(pauses(7)).not.toEqual(pauses(8));
});
