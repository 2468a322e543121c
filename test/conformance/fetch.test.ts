/** Fetch handlers over real sockets, with Node's own classes and with the light ones. */

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { fetchApplication, type FetchHandler, installLightClasses } from "../../src/gateway/fetch/index.ts";
import { RawClient, type Response as RawResponse, valueOf } from "./http-reader.ts";
import { type RunningServer, transports } from "./transports.ts";

const clientFetch = globalThis.fetch;
const modes = transports.flatMap((transport) => ["native", "light"].map((kind) => ({ transport, kind })));

describe.each(modes)("over $transport.name with $kind classes", ({ transport, kind }) => {
  let undo = (): void => {};
  let server: RunningServer;
  const clients: RawClient[] = [];
  beforeAll(() => {
    if (kind === "light") undo = installLightClasses();
  });
  afterAll(() => undo());
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });

  async function serve(handler: FetchHandler): Promise<string> {
    server = await transport.start(fetchApplication(handler));
    return `http://127.0.0.1:${server.port}`;
  }

  function connect(request: string): RawClient {
    const client = new RawClient(server.port);
    clients.push(client);
    client.send(request);
    return client;
  }

  async function ask(request: string, isHead = false): Promise<RawResponse> {
    const response = await connect(request).response(isHead);
    if (response === undefined) throw new Error("the connection closed without a response");
    return response;
  }

  test("a hello has the head and the body that it was given", async () => {
    await serve(() => new Response("hello", { status: 201, statusText: "Sch\xf6n", headers: { "X-A": "a b" } }));
    const response = await ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(response).toMatchObject({ status: 201, reason: "Sch\xf6n", body: "hello", isComplete: true });
    expect(valueOf(response.headers, "content-type")).toBe("text/plain;charset=UTF-8");
    expect(valueOf(response.headers, "x-a")).toBe("a b");
    expect(valueOf(response.headers, "content-length")).toBe(kind === "light" ? "5" : undefined);
  });

  test("a handler sees URL, method and headers as they were sent", async () => {
    await serve((request) => Response.json([request.method, request.url, [...request.headers]]));
    const head = "Host: Example.org:80\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n";
    const { body } = await ask(`DELETE /a/../%2Fb%20c?d='e' HTTP/1.1\r\n${head}`);
    expect(JSON.parse(body)).toEqual([
      "DELETE",
      "http://example.org/%2Fb%20c?d=%27e%27",
      [["cookie", "a=1; b=2"], ["host", "Example.org:80"], ["x-a", "1, 2"]], // prettier-ignore
    ]);
  });

  test("an absolute target and * have a URL", async () => {
    await serve((request) => new Response(request.url));
    expect((await ask("GET http://real.example/x HTTP/1.1\r\nHost: real.example\r\n\r\n")).body).toBe(
      "http://real.example/x",
    );
    expect((await ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")).body).toBe("http://h/");
    expect((await ask("GET /x HTTP/1.0\r\n\r\n")).body).toBe(`http://127.0.0.1:${server.port}/x`);
  });

  test.each([
    ["TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 501],
    ["GET / HTTP/1.1\r\nHost: 1.2.3.4.5\r\n\r\n", 400],
  ])("what no Request can hold is refused: %j", async (request, status) => {
    await serve(() => new Response("x"));
    expect((await ask(request)).status).toBe(status);
    expect(server.errors).toEqual([]);
  });

  test("text, JSON, bytes, forms and blobs are read", async () => {
    const url = await serve(async (request) => {
      const type = new URL(request.url).pathname.slice(1) as "text" | "json" | "arrayBuffer" | "formData" | "blob";
      const body: unknown = await request[type]();
      if (body instanceof FormData) {
        const parts = [...body].map(async ([key, value]) => [key, typeof value === "string" ? value : [value.name, await value.text()]]); // prettier-ignore
        return Response.json(await Promise.all(parts));
      }
      if (body instanceof Blob) return new Response(body);
      return body instanceof ArrayBuffer ? new Response(body) : Response.json(body);
    });
    const post = async (path: string, body: unknown) => (await clientFetch(`${url}/${path}`, { method: "POST", body: body as string })).text(); // prettier-ignore
    expect(await post("text", "h\xe9")).toBe('"h\xe9"');
    expect(await post("json", '{"a":1}')).toBe('{"a":1}');
    expect(await post("arrayBuffer", "bytes")).toBe("bytes");
    expect(await post("blob", new Blob(["blob"]))).toBe("blob");
    expect(await post("formData", new URLSearchParams({ a: "b c", d: "\xe9" }))).toBe('[["a","b c"],["d","\xe9"]]');
    const form = new FormData();
    form.append("a", "1");
    form.append("file", new Blob(["in it"]), "name.txt");
    expect(await post("formData", form)).toBe('[["a","1"],["file",["name.txt","in it"]]]');
  });

  test("GET with a body: the handler sees none, and the connection goes on", async () => {
    await serve(async (request) => new Response(`${request.body === null} ${await request.text()}`));
    const client = connect("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    expect((await client.response())?.body).toBe("true ");
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect((await client.response())?.body).toBe("true ");
  });

  test.each([
    ["text", () => new Response("body", { headers: { a: "b" } })],
    ["a stream", () => new Response(new Blob(["body"]).stream(), { headers: { a: "b" } })],
    ["a body that is not there", () => new Response(null, { headers: { a: "b", "content-length": "4" } })],
  ])("HEAD for %s has the head and no body, and the connection goes on", async (_, make) => {
    await serve(make);
    const client = connect("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    for (let i = 0; i < 2; i++) {
      const response = await client.response(true);
      expect(response?.status).toBe(200);
      expect(valueOf(response?.headers ?? [], "a")).toBe("b");
      expect(valueOf(response?.headers ?? [], "content-length")).not.toBe("0");
    }
  });

  test.each([204, 304])("%i has no body", async (status) => {
    await serve(() => new Response(null, { status, headers: { etag: '"x"' } }));
    const client = connect("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    for (let i = 0; i < 2; i++) expect((await client.response())?.status).toBe(status);
  });

  test("a redirect, and cookies on lines of their own", async () => {
    await serve(({ url }) => {
      const response = url.endsWith("/r") ? Response.redirect("http://h/to", 307) : new Response("x");
      if (url.endsWith("/c")) for (const cookie of ["a=1", "b=2"]) response.headers.append("Set-Cookie", cookie);
      return response;
    });
    const redirect = await ask("GET /r HTTP/1.1\r\nHost: h\r\n\r\n");
    expect([redirect.status, valueOf(redirect.headers, "location")]).toEqual([307, "http://h/to"]);
    const { headers } = await ask("GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(headers.filter(([name]) => name === "set-cookie").map((pair) => pair[1])).toEqual(["a=1", "b=2"]);
  });

  test("a handler that throws is a 500, reported once, and the connection goes on", async () => {
    await serve((request) => {
      if (request.url.endsWith("/x")) throw new Error("of the handler");
      return new Response("fine");
    });
    const client = connect("GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(await client.response()).toMatchObject({ status: 500, body: "Internal Server Error\n" });
    expect((await client.response())?.body).toBe("fine");
    expect(server.errors.map(String)).toEqual(["Error: of the handler"]);
  });

  test("20 MB go up and come back, streamed both ways", async () => {
    const url = await serve((request) => new Response(request.body));
    const sent = randomBytes(20 * 1024 * 1024);
    const response = await clientFetch(url, { method: "POST", body: sent });
    const back = Buffer.from(await response.arrayBuffer());
    expect(sha256(back)).toBe(sha256(sent));
    expect(server.errors).toEqual([]);
  });

  test("20 MB are read whole", async () => {
    const url = await serve(async (request) => new Response(sha256(Buffer.from(await request.arrayBuffer()))));
    const sent = randomBytes(20 * 1024 * 1024);
    expect(await (await clientFetch(url, { method: "POST", body: sent })).text()).toBe(sha256(sent));
  });

  test("an upload that the handler does not read is not taken from the client", async () => {
    let go!: () => void;
    const mayRead = new Promise<void>((resolve) => {
      go = resolve;
    });
    await serve(async (request) => {
      const reader = request.body?.getReader();
      await reader?.read();
      await mayRead;
      let total = 0;
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
        total += part.value.length;
      return new Response(total > 19_000_000 ? "all" : "some");
    });
    const size = 20 * 1024 * 1024;
    const client = connect(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    client.send(Buffer.alloc(size));
    await idle(client);
    // What the kernel and Node hold between them is a few MB; the rest waits in the client.
    expect(client.socket.writableLength).toBeGreaterThan(0);
    go();
    expect((await client.response())?.body).toBe("all");
  });

  test("a slow reader is not sent more than it takes", async () => {
    let pulled = 0;
    const chunk = Buffer.alloc(65_536, "x");
    await serve(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled += 1;
              if (pulled > 1000) controller.close();
              else controller.enqueue(new Uint8Array(chunk));
            },
          }),
        ),
    );
    const client = connect("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await client.received("\r\n\r\n");
    client.socket.pause();
    const before = await settled(() => pulled);
    expect(before).toBeLessThan(900);
    client.socket.resume();
    expect((await client.response())?.body.length).toBe(1000 * 65_536);
  });

  test("when the client goes, the signal aborts and the stream is cancelled", async () => {
    const seen: string[] = [];
    let resolve!: () => void;
    const whenBoth = new Promise<void>((done) => {
      resolve = done;
    });
    const tell = (what: string): void => {
      if (seen.push(what) === 2) resolve();
    };
    await serve((request) => {
      request.signal.addEventListener("abort", () => tell("aborted"));
      const source = {
        pull: (c: ReadableStreamDefaultController) => c.enqueue(Buffer.from("x")),
        cancel: () => tell("cancelled"),
      };
      return new Response(new ReadableStream(source));
    });
    const client = connect("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await client.received("\r\n\r\n");
    client.close();
    await whenBoth;
    expect(seen.sort()).toEqual(["aborted", "cancelled"]);
    expect(server.errors).toEqual([]);
  });

  test("when the client goes before the handler has answered, the signal aborts", async () => {
    const aborted = new Promise<unknown>((resolve) => {
      void serve((request) => {
        request.signal.addEventListener("abort", () => resolve((request.signal.reason as Error).name));
        clients[0]?.close();
        return new Promise(() => {});
      }).then(() => connect("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    });
    expect(await aborted).toBe("AbortError");
  });

  test("a body that breaks off rejects its read with an AbortError", async () => {
    const failed = new Promise<unknown>((resolve) => {
      void serve(async (request) => {
        clients[0]?.socket.destroy();
        await request.text().catch((error: Error) => resolve(error.name));
        return new Response();
      }).then(() => connect("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
    });
    expect(await failed).toBe("AbortError");
  });

  describe("as a proxy", () => {
    const upstream = createServer((request, response) => {
      const gzip = request.url === "/gzip";
      const body = `${request.method} ${String(request.headers["x-a"])} ${"long ".repeat(200)}`;
      response.setHeader("X-Up", "1");
      if (gzip) response.setHeader("Content-Encoding", "gzip");
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const bytes = Buffer.from(body + Buffer.concat(chunks).toString());
        const sent = gzip ? gzipSync(bytes) : bytes;
        if (request.url !== "/chunked") response.setHeader("Content-Length", sent.length);
        response.write(sent.subarray(0, 9));
        response.end(sent.subarray(9));
      });
    });
    let up = "";
    beforeAll(async () => {
      await once(upstream.listen(0, "127.0.0.1"), "listening");
      up = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      upstream.close();
      upstream.closeAllConnections();
    });

    test.each(["/plain", "/gzip", "/chunked"])("what fetch() brought is sent on: %s", async (path) => {
      await serve((request) => fetch(up + new URL(request.url).pathname));
      const response = await ask(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
      expect(response.body).toContain("GET undefined long long");
      expect(response).toMatchObject({ status: 200, isComplete: true });
      expect(valueOf(response.headers, "content-encoding")).toBeUndefined();
      expect(valueOf(response.headers, "x-up")).toBe("1");
      expect(valueOf(response.headers, "content-length") !== undefined).toBe(path === "/plain");
      expect(server.errors).toEqual([]);
    });

    test.runIf(kind === "light")("what fetch() decoded is known in another Response", async () => {
      await serve(async () => {
        const response = await fetch(`${up}/gzip`);
        return new Response(response.body, response);
      });
      const response = await ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      expect(response.body).toContain("long long");
      expect(valueOf(response.headers, "content-encoding")).toBeUndefined();
    });

    test("HEAD keeps the headers of what fetch() brought", async () => {
      await serve(() => fetch(`${up}/gzip`, { method: "HEAD" }));
      const { headers } = await ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true);
      expect(valueOf(headers, "content-encoding")).toBe("gzip");
    });

    test("an incoming request is sent on, with its body", async () => {
      await serve((request) => fetch(new Request(`${up}/echo`, request)));
      const request = "POST / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 4\r\n\r\nbody";
      expect((await ask(request)).body).toMatch(/^POST 1 long.* body$/);
    });

    test.runIf(kind === "light")("fetch() takes an incoming request as it is, chunked or not", async () => {
      await serve((request) => fetch(request));
      const { host } = new URL(up);
      const head = `POST /echo HTTP/1.1\r\nHost: ${host}\r\nX-A: 1\r\nConnection: keep-alive\r\n`;
      expect((await ask(`${head}Content-Length: 4\r\n\r\nbody`)).body).toMatch(/^POST 1 long.* body$/);
      expect((await ask(`${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`)).body).toMatch(/ body$/);
      expect((await ask(`GET /echo HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).body).toMatch(/^GET/);
      expect(server.errors).toEqual([]);
    });
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Resolves when nothing more goes out of the client's buffer. */
async function idle({ socket }: RawClient): Promise<void> {
  await settled(() => socket.writableLength);
}

/** The value of `read` when it has not changed for a while. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1, same = 0; ;) {
    const now = read();
    same = now === before ? same + 1 : 0;
    if (same === 10) return now;
    before = now;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
