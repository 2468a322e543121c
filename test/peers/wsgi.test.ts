/** PEP 3333 by the letter on the shipped binary: every application here runs under `wsgiref.validate`. */

import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPeers } from "../support/peers.ts";
import { connectRaw } from "../support/raw-client.ts";
import { makeProject, type TempProject } from "../support/temp-project.ts";
import { Tsgate } from "../support/tsgate.ts";
import { PYTHON, PYTHON_PEER, WSGI_APPS } from "../support/wsgi.ts";

let server: Tsgate;
let url: string;
let project: TempProject;

describeWithPeers("a WSGI application gets what PEP 3333 promises", [PYTHON_PEER], () => {
  beforeAll(async () => {
    project = await makeProject({ "file.bin": "0123456789".repeat(300) });
    const args = ["--python", PYTHON, "--python-threads", "4", "--workers", "1", "--bind", "127.0.0.1:0"];
    server = new Tsgate([...args, "letter:validated"], {
      cwd: WSGI_APPS,
      env: { LETTER_FILE: project.path("file.bin") },
    });
    await server.waitForReady(1);
    url = await server.url();
  });
  afterAll(async () => {
    await server.cleanup();
    await project.remove();
  });

  test("an environ with every key, true to the facts", async () => {
    const reply = await fetch(`${url}/caf%C3%A9/%ff%2Fx?a=%20b`, { headers: { "X-Twice": "é", cookie: "a=b" } });
    const environ = (await reply.json()) as Record<string, unknown>;
    const { port } = new URL(url);
    expect(environ).toMatchObject({
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/cafÃ©/ÿ/x",
      QUERY_STRING: "a=%20b",
      REQUEST_URI: "/caf%C3%A9/%ff%2Fx?a=%20b",
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: port,
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "127.0.0.1",
      HTTP_HOST: `127.0.0.1:${port}`,
      HTTP_X_TWICE: "é",
      HTTP_COOKIE: "a=b",
      "wsgi.version": [1, 0],
      "wsgi.url_scheme": "http",
      "wsgi.multithread": true,
      "wsgi.multiprocess": false,
      "wsgi.run_once": false,
      "wsgi.input_terminated": true,
    });
    expect(environ["SERVER_SOFTWARE"]).toMatch(/^tsgate\//);
    expect(environ).not.toHaveProperty("CONTENT_LENGTH");
    expect(Object.keys(environ).filter((key) => key.startsWith("gateway.") || key === "HTTP_CONTENT_TYPE")).toEqual([]);
  });

  test("a path with a NUL, and bytes beyond ASCII that were sent as they are", async () => {
    const client = await connectRaw(await server.target());
    client.send("GET /a%00b HTTP/1.1\r\nHost: x\r\nX-Raw: caf\xc3\xa9\r\nConnection: close\r\n\r\n");
    await client.ended();
    expect(client.text).toContain(String.raw`"PATH_INFO": "/a\u0000b"`);
    expect(client.text).toContain(String.raw`"HTTP_X_RAW": "caf\u00c3\u00a9"`);
  });

  test("a body by read, readline, readlines and iteration", async () => {
    const reply = await fetch(`${url}/lines`, { method: "POST", body: "abcdef\nghij\nkl\nmn\nop" });
    expect(await reply.text()).toBe("abc|def\n|gh|ij\n|kl\n|mn\n|op");
  });

  test.each([
    ["with a length", (bytes: Buffer) => ({ body: bytes })],
    ["chunked", (bytes: Buffer) => ({ body: new Blob([bytes]).stream(), duplex: "half" })],
  ])("a body of 5 MB %s", async (_, shape) => {
    const bytes = randomBytes(5_000_000);
    const reply = await fetch(`${url}/digest`, { method: "POST", ...shape(bytes) } as RequestInit);
    const [size, digest] = (await reply.text()).split(" ");
    expect([size, digest]).toEqual(["5000000", createHash("sha256").update(bytes).digest("hex")]);
  });

  test("a body of 100 MB in constant memory", async () => {
    const peakOf = async (bytes: number): Promise<number> => {
      const [size, , peak] = (
        await (await fetch(`${url}/digest`, { method: "POST", ...streamOf(bytes) })).text()
      ).split(" ");
      expect(Number(size)).toBe(bytes);
      return Number(peak);
    };
    const before = await peakOf(3_000_000);
    expect(await peakOf(100_000_000)).toBeLessThan(before + 24_576);
  });

  test("100 Continue when it first reads, and not before", async () => {
    const client = await connectRaw(await server.target());
    const head = "Host: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    client.send(`POST /digest HTTP/1.1\r\n${head}`);
    await client.received(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.send("abc");
    await client.received(/\r\n\r\n[^]*3 ba7816bf/);
    const unread = await connectRaw(await server.target());
    unread.send(`POST /plain HTTP/1.1\r\n${head}`);
    await unread.received(/plain\n/);
    expect(unread.statuses).toEqual([200]);
  });

  test("write() before the iterable", async () => {
    expect(await text("/sends-by-write")).toBe("one two three\n");
  });

  test("the iterable closed after its end, and when the client has left", async () => {
    expect(await text("/closing")).toBe("ab\n");
    await expect.poll(() => text("/show-closed"), { timeout: 15_000 }).toBe("closing");
    const client = await connectRaw(await server.target());
    client.get("/endless");
    await client.received(/xxxx/);
    client.socket.destroy();
    await expect.poll(() => text("/show-closed"), { timeout: 15_000 }).toBe("closing endless");
  });

  test("an error page in the place of what was not sent, and a broken reply for what was", async () => {
    const page = await fetch(`${url}/fails-late-but-unsent`);
    expect([page.status, page.statusText, await page.text()]).toEqual([503, "Sorry", "an error page\n"]);
    const broken = await connectRaw(await server.target());
    broken.get("/fails-once-sent");
    await broken.ended();
    expect(broken.text).toContain("begun ");
    expect(broken.text).not.toContain("0\r\n\r\n");
    const { error } = await server.waitForRecord({ msg: "application error", path: "/fails-once-sent" });
    expect(error).toMatchObject({ name: "ValueError", message: "after something was sent" });
    expect((error as { stack: string }).stack).toMatch(/File ".*letter\.py", line \d+, in chunks/);
  });

  test("files from where they stand, and what is like a file", async () => {
    expect(await text("/file")).toBe("0123456789".repeat(300).slice(7));
    expect(await text("/memory-file")).toBe("from memory\n");
  });

  test("wsgi.errors in the log, with the request", async () => {
    await text("/writes-errors?secret");
    const lines = { msg: "wsgi.errors", path: "/writes-errors" };
    const told = async (nth: number) => (await server.waitForRecord(lines, { nth }))["text"];
    expect([await told(1), await told(2), await told(3)]).toEqual([
      "first line",
      "second line, café ☃",
      "without an end",
    ]);
    expect(server.log.all(lines)[0]).toMatchObject({ method: "GET", path: "/writes-errors", slot: 0 });
  });

  test("no body for HEAD and 204, and the bytes of latin-1 heads", async () => {
    const head = await fetch(`${url}/large?65536`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const none = await fetch(`${url}/no-content`);
    expect([none.status, none.headers.get("content-type")]).toEqual([204, null]);
    const client = await connectRaw(await server.target());
    client.get("/latin");
    await client.received(/HTTP\/1\.1 200 Tr\xe8s bien[^]*X-Latin: caf\xe9[^]*caf\xe9\r\n0\r\n/);
  });

  test("four requests at a time", async () => {
    const names = await Promise.all(Array.from({ length: 4 }, () => text("/meets")));
    expect(new Set(names).size).toBe(4);
  });

  test("replies larger than the window, whole, and held back for a client that does not read", async () => {
    expect((await (await fetch(`${url}/large?8388608`)).arrayBuffer()).byteLength).toBe(8_388_608);
    const client = await connectRaw(await server.target());
    client.socket.pause();
    client.get("/large?67108864");
    expect(await text("/plain")).toBe("plain\n");
    client.socket.destroy();
    await expect.poll(() => text("/show-closed"), { timeout: 15_000 }).toMatch(/large$/);
  });

  test("nothing that wsgiref.validate complains of", () => {
    const errors = server.log.all("application error").filter(({ path }) => path !== "/fails-once-sent");
    expect(errors).toEqual([]);
    expect(server.log.otherLines).toEqual([]);
  });
});

async function text(path: string): Promise<string> {
  const reply = await fetch(`${url}${path}`);
  return reply.text();
}

/** So many bytes with their length, made as they are sent. */
function streamOf(bytes: number): RequestInit {
  const block = Buffer.alloc(100_000);
  let left = bytes;
  const body = new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      controller.enqueue(block);
      left -= block.length;
    },
  });
  return { body, duplex: "half" };
}
