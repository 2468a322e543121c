/** The id of a request on the shipped binary: taken or given, handed to the application, sent back, and in both logs. */

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const GIVEN = /^[\w-]{12,}-[0-9a-z]+$/;
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const soon = { timeout: 45_000, interval: 20 } as const;

/** Answers with what it sees of its headers; `/own` names the reply itself, `/throws` and `/late` fail. */
const KINDS = {
  node: `export default (request, response) => {
    const seen = { id: request.headers["x-request-id"], raw: request.rawHeaders.filter((_, i, all) => /^x-request-id$/i.test(all[i - 1] ?? "")), trace: request.headers.traceparent };
    if (request.url === "/throws") throw new Error("thrown");
    if (request.url === "/own") return response.writeHead(200, { "x-request-id": "of the application" }).end(JSON.stringify(seen));
    if (request.url === "/own-raw") return response.writeHead(200, ["X-Request-ID", "of the application"]).end(JSON.stringify(seen));
    response.end(JSON.stringify(seen));
  };\n`,
  gateway: `export const application = (environ, startResponse) => {
    const seen = { id: environ.HTTP_X_REQUEST_ID, raw: [environ.HTTP_X_REQUEST_ID], trace: environ.HTTP_TRACEPARENT };
    if (environ.PATH_INFO === "/throws") throw new Error("thrown");
    startResponse(200, environ.PATH_INFO.startsWith("/own") ? [["X-Request-Id", "of the application"]] : []);
    return [JSON.stringify(seen)];
  };\n`,
  fetch: `export default { fetch(request) {
    const { pathname } = new URL(request.url);
    const id = request.headers.get("x-request-id");
    if (pathname === "/throws") throw new Error("thrown");
    const headers = pathname.startsWith("/own") ? { "X-Request-Id": "of the application" } : {};
    return new Response(JSON.stringify({ id, raw: [id], trace: request.headers.get("traceparent") }), { headers });
  } };\n`,
} as const;

interface Seen {
  readonly id: string;
  readonly raw: readonly string[];
  readonly trace: string | undefined;
}

test.each(Object.entries(KINDS))("kind %s: an id is taken or given, and everybody has the same", async (_, app) => {
  const { server, project } = await start(app, ["--access-logformat", "%(U)s %({x-request-id}i)s %({traceparent}i)s"]);
  const taken = await ask(server, "/taken", { "X-Request-Id": "client-1", traceparent: TRACEPARENT });
  expect(taken).toMatchObject({ replied: "client-1", id: "client-1", raw: ["client-1"], trace: TRACEPARENT });
  const given = await ask(server, "/given");
  expect(given.replied).toMatch(GIVEN);
  expect(given).toMatchObject({ id: given.replied, raw: [given.replied] });
  const other = await ask(server, "/other");
  expect(other.replied).toMatch(GIVEN);
  expect(other.replied).not.toBe(given.replied);

  for (const insane of ["two words", "x".repeat(129), "caf\u00e9"]) {
    const replaced = await ask(server, "/replaced", { "X-Request-Id": insane });
    expect(replaced.replied).toMatch(GIVEN);
    expect(replaced).toMatchObject({ id: replaced.replied, raw: [replaced.replied] });
  }

  // An application that names its replies itself is left alone.
  for (const path of ["/own", "/own-raw"]) {
    const own = await ask(server, path, { "X-Request-Id": "client-2" });
    expect(own).toMatchObject({ replied: "of the application", id: "client-2" });
  }

  const failed = await fetch(`${await server.url()}/throws`, { headers: { "X-Request-Id": "client-3" } });
  expect([failed.status, failed.headers.get("x-request-id")]).toEqual([500, "client-3"]);
  const record = await server.waitForRecord("application error");
  expect(record).toMatchObject({ path: "/throws", requestId: "client-3" });

  await expect.poll(() => linesIn(project).length, soon).toBe(9);
  const lines = linesIn(project);
  expect(lines).toContain(`/taken client-1 ${TRACEPARENT}`);
  expect(lines).toContain(`/given ${given.replied} -`);
  expect(lines).toContain("/throws client-3 -");
});

test("ids are there where the access log shows them, unless they are asked for, or not wanted", async () => {
  for (const [args, isGiven] of [
    [[], false],
    [["--access-logfile", "access.log"], false],
    [["--access-logfile", "access.log", "--access-logformat", "json"], true],
    [["--access-logfile", "access.log", "--access-logformat", "json", "--request-id", "off"], false],
    [["--request-id", "on"], true],
  ] as const) {
    const { server } = await start(KINDS.node, args, []);
    const { replied, id } = await ask(server, "/");
    expect([replied !== null, id !== undefined], args.join(" ")).toEqual([isGiven, isGiven]);
    expect((await server.stop()).code).toBe(0);
  }
});

test("without being wanted, an id that comes with a request is still in the record of its failure", async () => {
  const { server } = await start(KINDS.node, [], []);
  const headers = { "X-Request-Id": "of a proxy" };
  await fetch(`${await server.url()}/throws`, { headers: { ...headers, "X-Request-Id": "of-a-proxy" } });
  expect(await server.waitForRecord("application error")).toMatchObject({ requestId: "of-a-proxy" });
  await fetch(`${await server.url()}/throws`, { headers });
  expect(await server.waitForRecord("application error", { nth: 2 })).not.toHaveProperty("requestId");
});

test("the ids of several workers, and of those that follow them, are never the same", async () => {
  const { server } = await start(KINDS.node, ["--request-id", "on", "--workers", "3"]);
  const ids = async (): Promise<string[]> => {
    const asked = Array.from({ length: 60 }, async () => (await ask(server, "/")).id);
    return Promise.all(asked);
  };
  const before = await ids();
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  const all = [...before, ...(await ids())];
  expect(new Set(all).size).toBe(120);
});

async function start(
  app: string,
  args: readonly string[],
  own: readonly string[] = ["--access-logfile", "access.log"],
): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": app });
  const workers = args.includes("--workers") ? [] : ["--workers", "1"];
  const server = startTsgate(["--bind", "127.0.0.1:0", "--linger", "100ms", ...workers, ...own, ...args, "app.mjs"], {
    cwd: project.dir,
  });
  await server.waitForReady(args.includes("--workers") ? 3 : 1);
  return { server, project };
}

/** What the application saw, and the id in the reply. */
async function ask(
  server: Tsgate,
  path: string,
  headers: Record<string, string> = {},
): Promise<Seen & { readonly replied: string | null }> {
  const response = await fetch(`${await server.url()}${path}`, { headers });
  const replied = response.headers.get("x-request-id");
  return { ...((await response.json()) as Seen), replied };
}

function linesIn(project: TempProject): string[] {
  const file = project.path("access.log");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}
