/** How large a request may be, to the byte, on real sockets: what is within the limits is served, one more is refused. */

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, untilMetrics } from "../support/admin.ts";
import { connectRaw, type RawClient } from "../support/raw-client.ts";
import { makeProject, type TempProject, tempProject } from "../support/temp-project.ts";
import type { Target } from "../support/traffic.ts";
import { startTsgate, Tsgate } from "../support/tsgate.ts";

/** Each says how many headers came, and how much of a body; `/early` answers before it has read that. */
const APPLICATIONS = {
  node: `
    export default async (request, response) => {
      if (request.url === "/early") response.write("early ");
      let length = 0;
      for await (const chunk of request) length += chunk.length;
      response.end("served " + request.rawHeaders.length / 2 + " " + length);
    };`,
  gateway: `
    export async function application(environ, startResponse) {
      startResponse(200, []);
      async function* body() {
        if (environ.PATH_INFO === "/early") yield "early ";
        let length = 0;
        for await (const chunk of environ["gateway.input"]) length += chunk.length;
        yield "served " + Object.keys(environ).filter((key) => key.startsWith("HTTP_")).length + " " + length;
      }
      return body();
    }`,
  fetch: `
    export default {
      async fetch(request) {
        const text = () => request.arrayBuffer().then(({ byteLength }) => "served " + [...request.headers].length + " " + byteLength);
        if (!request.url.endsWith("/early")) return new Response(await text());
        return new Response(new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("early "));
            controller.enqueue(new TextEncoder().encode(await text().catch(() => "failed")));
            controller.close();
          },
        }));
      },
    };`,
  server: `
    import http from "node:http";
    http.createServer(async (request, response) => {
      if (request.url === "/early") response.write("early ");
      let length = 0;
      try {
        for await (const chunk of request) length += chunk.length;
      } catch {
        return;
      }
      response.end("served " + request.rawHeaders.length / 2 + " " + length);
    }).listen(3000);`,
};
const KINDS = Object.keys(APPLICATIONS) as (keyof typeof APPLICATIONS)[];
const LIMITS = ["--limit-request-line", "100", "--limit-request-fields", "5", "--limit-request-field-size", "60"];
const BODY = ["--limit-request-body", "1000"];

describe.each(KINDS)("with an application of kind %s", (kind) => {
  let project: TempProject;
  let server: Tsgate;
  let target: Target;

  beforeAll(async () => {
    project = await makeProject({ "app.mjs": APPLICATIONS[kind] });
    const args = [
      "--workers",
      "1",
      "--bind",
      "127.0.0.1:0",
      "--linger",
      "100ms",
      ...ADMIN,
      "--access-logfile",
      "access",
    ];
    server = new Tsgate([...args, "--access-logformat", "%(m)s %(s)s", ...LIMITS, ...BODY, "app.mjs"], {
      cwd: project.dir,
    });
    target = await server.target();
  });

  afterAll(async () => {
    await server.cleanup();
    await project.remove();
  });

  const send = async (text: string): Promise<RawClient> => {
    const client = await connectRaw(target);
    client.send(text);
    return client;
  };
  const served = async (text: string): Promise<void> => {
    const client = await send(text);
    await client.received(/served \d+ \d+/);
    client.socket.destroy();
  };
  /** It is told so on a connection that ends whole, and nothing else. */
  const refused = async (text: string, status: number): Promise<void> => {
    const client = await send(text);
    await client.ended();
    expect(client.statuses).toEqual([status]);
    expect(client.text).toMatch(/^Connection: close\r$/im);
    expect(client.text).not.toContain("served");
    expect(client.end).toBe("fin");
  };

  const line = (length: number): string => `GET /${"x".repeat(length - "GET / HTTP/1.1".length)} HTTP/1.1\r\n`;
  const field = (length: number): string => `X: ${"y".repeat(length - 3)}\r\n`;

  test("a request line of 100 bytes is served, of 101 refused with 414", async () => {
    await served(`${line(100)}Host: h\r\n\r\n`);
    await refused(`${line(101)}Host: h\r\n\r\n`, 414);
    await refused(`${line(5000)}Host: h\r\n\r\n`, 414);
  });

  test("5 headers are served, 6 refused with 431", async () => {
    await served(`GET / HTTP/1.1\r\nHost: h\r\n${"A: 1\r\n".repeat(4)}\r\n`);
    await refused(`GET / HTTP/1.1\r\nHost: h\r\n${"A: 1\r\n".repeat(5)}\r\n`, 431);
    await refused(`GET / HTTP/1.1\r\nHost: h\r\n${"A: 1\r\n".repeat(2500)}\r\n`, 431);
  });

  test("a header of 60 bytes is served, of 61 refused with 431, and so is a head of more than Node reads", async () => {
    await served(`GET / HTTP/1.1\r\nHost: h\r\n${field(60)}\r\n`);
    await refused(`GET / HTTP/1.1\r\nHost: h\r\n${field(61)}\r\n`, 431);
    await refused(`GET / HTTP/1.1\r\nHost: h\r\n${field(200_000)}\r\n`, 431);
  });

  test("a body of 1000 bytes is served, of 1001 refused with 413 before it has come", async () => {
    const post = (length: number): string => `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n`;
    await served(`${post(1000)}\r\n${"z".repeat(1000)}`);
    await refused(`${post(1001)}\r\n`, 413);
    await refused(`${post(1001)}Expect: 100-continue\r\n\r\n`, 413);
    await refused(`${post(300_000)}\r\n${"z".repeat(300_000)}`, 413);
  });

  test("chunks of 1000 bytes are served, the 1001st is refused with 413", async () => {
    const chunked = (...lengths: readonly number[]): string =>
      `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${lengths
        .map((length) => `${length.toString(16)}\r\n${"z".repeat(length)}\r\n`)
        .join("")}`;
    await served(`${chunked(600, 400)}0\r\n\r\n`);
    await refused(chunked(600, 401), 413);
    await refused(`${chunked(1001)}0\r\n\r\n`, 413);
    await refused(chunked(...Array.from({ length: 300 }, () => 1000)), 413);
  });

  test("chunks beyond the limit close a connection on which the answer has begun", async () => {
    const head = "POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    const client = await send(`${head}3e8\r\n${"z".repeat(1000)}\r\n`);
    await client.received(/early/);
    client.send("1\r\nz\r\n0\r\n\r\n");
    await client.ended();
    expect(client.statuses).toEqual([200]);
    expect(client.text).not.toMatch(/served|0\r\n\r\n$/);
  });

  test("an upgrade is held to the same", async () => {
    await refused(`${line(101)}Host: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n`, 414);
  });

  test("each refusal is counted by its reason, and has a line in the access log and one in ten seconds in the log", async () => {
    const client = await send(`${line(101)}Host: h\r\n\r\n`);
    await client.ended();
    const rejected = (reason: string): string => `tsgate_requests_rejected_total{reason="${reason}"}`;
    await untilMetrics(
      server,
      (value) => (value(rejected("head too large")) ?? 0) > 5 && (value(rejected("body too large")) ?? 0) > 5,
    );
    await server.waitForRecord({ msg: "requests refused", reason: "head too large" });
    await server.waitForRecord({ msg: "requests refused", reason: "body too large" });
    expect((await server.stop()).code).toBe(0);
    const lines = (await readFile(project.path("access"), "utf8")).split("\n");
    for (const text of ["GET 414", "GET 431", "POST 413", "GET 200", "POST 200"]) expect(lines).toContain(text);
  });
});

describe("a connection that a request ends", () => {
  const APP = `
    let marks = 0;
    const whenThere = () => (globalThis.later === undefined ? setTimeout(whenThere, 10) : globalThis.later());
    export default (request, response) => {
      if (request.url === "/marked") marks++;
      if (request.url === "/begun") {
        response.writeHead(200, { "Content-Length": 10 }).write("hello");
        globalThis.later = () => response.end("world");
      } else if (request.url === "/slow") globalThis.later = () => response.end("slow");
      else if (request.url === "/go") response.end("", whenThere);
      else response.end("marks " + marks + ";");
    };`;
  const start = async (): Promise<Target> => {
    const project = await tempProject({ "app.mjs": APP });
    const args = ["--workers", "1", "--bind", "127.0.0.1:0", ...LIMITS, ...BODY];
    return startTsgate([...args, "app.mjs"], { cwd: project.dir }).target();
  };
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
  const tooLong = get(`/${"x".repeat(100)}`);
  const go = async (target: Target): Promise<void> => {
    const client = await connectRaw(target);
    client.send(get("/go"));
    await client.received(/200 OK/);
    client.socket.destroy();
  };
  const marks = async (target: Target): Promise<string> => {
    const client = await connectRaw(target);
    client.send(get("/"));
    await client.received(/marks \d+;/);
    return /marks \d+/.exec(client.text)?.[0] ?? "";
  };

  test("gets nothing served that is pipelined behind a refusal", async () => {
    const target = await start();
    const atOnce = await connectRaw(target);
    atOnce.send(`${tooLong}${get("/marked").repeat(5)}`);
    await atOnce.ended();
    expect(atOnce.statuses).toEqual([414]);
    const behind = await connectRaw(target);
    behind.send(`${get("/slow")}${tooLong}${get("/marked").repeat(300)}GARBAGE\r\n\r\n`);
    // What came before has been read by the only worker.
    expect(await marks(target)).toBe("marks 0");
    await go(target);
    await behind.ended();
    expect(behind.statuses).toEqual([200, 414]);
    expect(await marks(target)).toBe("marks 0");
  });

  test("gets no answer to an upgrade behind a refusal", async () => {
    const target = await start();
    const client = await connectRaw(target);
    client.send(`${tooLong}GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n`);
    await client.ended();
    expect(client.statuses).toEqual([414]);
  });

  test.each([
    ["has not begun", get("/slow"), "", /\r\n\r\nslowHTTP\/1\.1 400 /],
    ["has begun", get("/begun"), "hello", /\r\n\r\nhelloworldHTTP\/1\.1 400 /],
    [
      "has begun before another",
      get("/begun") + get("/marked"),
      "hello",
      /\r\n\r\nhelloworldHTTP\/1\.1 200 .*marks 1;/s,
    ],
  ])("is told of what cannot be read behind a reply that %s when it is through", async (_, text, begun, expected) => {
    const target = await start();
    const client = await connectRaw(target);
    client.send(text);
    await client.received(new RegExp(`${begun}$`));
    client.send("GARBAGE\r\n\r\n");
    await marks(target);
    expect(client.text.endsWith(begun)).toBe(true);
    await go(target);
    await client.ended();
    expect(client.text).toMatch(expected);
    expect(client.end).toBe("fin");
  });

  test("ends with the answer where chunks of a body are still to come, uncounted", async () => {
    const client = await connectRaw(await start());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n");
    await client.ended();
    expect(client.statuses).toEqual([200]);
    expect(client.text).toMatch(/marks 0;/);
    expect(client.end).toBe("fin");
  });
});

describe("--header-map", () => {
  const start = async (...args: readonly string[]): Promise<Target> => {
    const project = await tempProject({ "app.mjs": APPLICATIONS.gateway });
    return startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", ...args, "app.mjs"], { cwd: project.dir }).target();
  };
  const text = "GET / HTTP/1.1\r\nHost: h\r\nX_A: 1\r\nX-B: 1\r\nConnection: close\r\n\r\n";

  test("drops headers with an underscore in their names, or refuses the request", async () => {
    const dropped = await connectRaw(await start());
    dropped.send(text);
    await dropped.ended();
    expect(dropped.text).toContain("served 3 0");
    const refused = await connectRaw(await start("--header-map", "refuse"));
    refused.send(text);
    await refused.ended();
    expect(refused.text).toMatch(/^HTTP\/1\.1 400 .*the name of a header has an underscore\n$/s);
  });
});

test("by default a line and a header may have 8190 bytes, and there may be 100 headers", async () => {
  const project = await tempProject({ "app.mjs": APPLICATIONS.node });
  const server = startTsgate(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
  const target = await server.target();
  const statuses = async (text: string): Promise<number[]> => {
    const client = await connectRaw(target);
    client.send(`${text}Host: h\r\nConnection: close\r\n\r\n`);
    return (await client.ended()).statuses;
  };
  const get = "GET / HTTP/1.1\r\n";
  const line = (length: number): string => `GET /${"x".repeat(length - "GET / HTTP/1.1".length)} HTTP/1.1\r\n`;
  expect(await statuses(line(8190))).toEqual([200]);
  expect(await statuses(line(8191))).toEqual([414]);
  expect(await statuses(`${get}${"A: 1\r\n".repeat(98)}`)).toEqual([200]);
  expect(await statuses(`${get}${"A: 1\r\n".repeat(99)}`)).toEqual([431]);
  expect(await statuses(`${get}A: ${"a".repeat(8187)}\r\n`)).toEqual([200]);
  expect(await statuses(`${get}A: ${"a".repeat(8188)}\r\n`)).toEqual([431]);
  expect(await statuses(`${line(8190)}${`A: ${"a".repeat(8187)}\r\n`.repeat(6)}`)).toEqual([200]);
});
