/** `--validate`: the validator between server and application, and what the log says of its findings. */

import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate, type Tsgate } from "../support/tsgate.ts";

const GATEWAY_APP = `
const TEXT = [["Content-Type", "text/plain"]];
const routes = {
  "/good": (environ, startResponse) => { startResponse(200, TEXT); return ["good"]; },
  "/advice": (environ, startResponse) => { startResponse(200, []); return ["untyped"]; },
  "/hop": function hopByHop(environ, startResponse) { startResponse(200, [["Connection", "close"]]); return ["x"]; },
  "/length": (environ, startResponse) => { startResponse(200, [...TEXT, ["Content-Length", "9"]]); return ["x"]; },
  "/late": (environ, startResponse) => {
    startResponse(200, TEXT);
    return (function* () { yield "half"; yield 5; })();
  },
  "/throws": () => { throw new Error("its own"); },
};
export const application = (environ, startResponse) => routes[environ.PATH_INFO](environ, startResponse);
`;

test("breaches are logged with their rule and the application's stack, and answered 500 where nothing was sent", async () => {
  const server = await start(GATEWAY_APP, "--validate");
  const target = await server.target();
  expect(await ask(target, "/good")).toBe("good");
  for (let i = 0; i < 2; i++) expect(await ask(target, "/advice")).toBe("untyped");
  for (const path of ["/hop?secret=1", "/length", "/throws"]) {
    const { reply } = await requestOnce(target, { path, headers: [["X-Request-Id", "the-id"]] });
    expect([reply?.status, reply?.body.toString()]).toEqual([500, "Internal Server Error\n"]);
  }
  expect((await requestOnce(target, { path: "/late" })).reply).toBeUndefined();

  await server.waitForRecord("gateway rule broken", { nth: 4 });
  const broken = server.log.all("gateway rule broken").map(({ level, rule, by, method, path, requestId, error }) => {
    const { message, stack } = error as { message: string; stack: string };
    return { level, rule, by, method, path, requestId, message, isUsers: stack.includes("hopByHop") };
  });
  const common = { by: "application", method: "GET", isUsers: false };
  expect(broken).toEqual([
    {
      ...common,
      level: 40,
      rule: "S-14",
      path: "/advice",
      message: "S-14: the response has a body and no Content-Type",
    },
    {
      ...common,
      level: 50,
      rule: "S-8",
      path: "/hop",
      requestId: "the-id",
      message: "S-8: the application sends Connection, which is the server's to send",
      isUsers: true,
    },
    {
      ...common,
      level: 50,
      rule: "B-7",
      path: "/length",
      requestId: "the-id",
      message: "B-7: the body is 8 bytes shorter than its Content-Length",
    },
    {
      ...common,
      level: 50,
      rule: "B-2",
      path: "/late",
      message: "B-2: the body has a number as a chunk, not a string or Uint8Array",
    },
  ]);
  // What is no breach is what it was; what is one is told once.
  expect(server.log.all("application error")).toMatchObject([{ path: "/throws", error: { message: "its own" } }]);
  expect((await server.stop()).code).toBe(0);
});

test("a fetch handler is served as without it, and breaks nothing", async () => {
  const code = `export default {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/echo") return new Response(await request.text());
      if (pathname === "/none") return new Response(null, { status: 204 });
      return new Response(ReadableStream.from(["in ", "pieces"].map((text) => new TextEncoder().encode(text))), { headers: { "content-type": "text/plain" } });
    },
  };\n`;
  const server = await start(code, "--validate");
  const target = await server.target();
  const echo = await requestOnce(target, { method: "POST", path: "/echo", bodyBytes: 50_000 });
  expect([echo.reply?.status, echo.reply?.body.length]).toEqual([200, 50_000]);
  expect((await requestOnce(target, { path: "/none" })).reply?.status).toBe(204);
  expect(await ask(target, "/stream")).toBe("in pieces");
  expect((await server.stop()).code).toBe(0);
  expect(server.records.filter(({ level }) => level >= 40)).toEqual([]);
});

test("for an application that sees no environ it is an error, not a setting without effect", async () => {
  const project = await tempProject({ "app.mjs": "export default (request, response) => response.end();\n" });
  expect(await failedStart(project, ["--validate", "app.mjs"])).toMatchObject({
    code: 2,
    sentence: expect.stringMatching(
      /^--validate has no effect on an application of kind node, only on kind gateway, fetch/,
    ),
  });
});

async function start(code: string, ...args: string[]): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  return startTsgate(["--workers", "1", "--linger", "100ms", "--bind", "127.0.0.1:0", ...args, "app.mjs"], {
    cwd: project.dir,
  });
}
