/** What an application does wrong with a request is that request's affair; what it upgrades is its own. */

import net from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const NODE_APP = `
const routes = {
  "/throws": () => { throw new Error("thrown"); },
  "/rejects": async (request, response) => { response.setHeader("X-Half", "1"); throw new Error("rejected"); },
  "/too-late": async (request, response) => { response.write("half"); throw new Error("late"); },
  "/pid": (request, response) => { response.end(String(process.pid)); },
};
export default (request, response) => routes[request.url.split("?")[0]](request, response);
export function upgrade(request, socket, head) {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: upgrade\\r\\nUpgrade: " + request.headers.upgrade + "\\r\\n\\r\\n");
  socket.pipe(socket);
}
`;

const GATEWAY_APP = `
const routes = {
  "/throws": () => { throw new Error("thrown"); },
  "/rejects": async () => { throw new Error("rejected"); },
  "/too-late": (startResponse) => { startResponse(200, []); return (function* () { yield "half"; throw new Error("late"); })(); },
  "/pid": (startResponse) => { startResponse(200, []); return [String(process.pid)]; },
};
export const application = (environ, startResponse) => routes[environ.PATH_INFO](startResponse);
`;

test.each([
  ["node", NODE_APP],
  ["gateway", GATEWAY_APP],
])("an application of kind %s that throws costs that request, a record and nothing else", async (_, code) => {
  const server = await start(code);
  const target = await server.target();
  const pid = await ask(target, "/pid");
  for (const path of ["/throws", "/rejects"]) {
    const { reply } = await requestOnce(target, { path: `${path}?secret=1` });
    expect(reply?.status).toBe(500);
    expect(reply?.body.toString()).not.toMatch(/thrown|rejected/);
    expect(reply?.headers.has("x-half")).toBe(false);
  }
  // A reply that has begun is cut: its end must not look like an end.
  const { outcome, reply } = await requestOnce(target, { path: "/too-late" });
  expect(["reset", "closedBeforeReply"]).toContain(outcome);
  expect(reply).toBeUndefined();

  await server.waitForRecord("application error", { nth: 3 });
  const errors = server.log.all("application error").map(({ path, method, error, role, level }) => {
    const { message, stack } = error as { message: string; stack: string };
    return { path, method, message, isUsers: stack.includes("app.mjs:"), role, level };
  });
  const common = { method: "GET", isUsers: true, role: "worker", level: 50 };
  expect(errors).toEqual([
    { ...common, path: "/throws", message: "thrown" },
    { ...common, path: "/rejects", message: "rejected" },
    { ...common, path: "/too-late", message: "late" },
  ]);
  expect(await ask(target, "/pid")).toBe(pid);
  expect(server.log.all("worker gone")).toEqual([]);
  expect((await server.stop()).code).toBe(0);
});

test("an export named upgrade takes upgrades, and without one nothing is upgraded", async () => {
  const server = await start(NODE_APP);
  const { host, port } = (await server.target()) as { host: string; port: number };
  const socket = net.connect({ host, port });
  socket.setEncoding("utf8");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
  expect((await once(socket, "data"))[0]).toMatch(/^HTTP\/1\.1 101 /);
  socket.write("and back");
  expect((await once(socket, "data"))[0]).toBe("and back");
  socket.end();
  expect((await server.stop()).code).toBe(0);

  const plain = await start("export default (request, response) => response.end('plain');\n");
  const headers = [
    ["Connection", "upgrade, close"],
    ["Upgrade", "echo"],
  ] as const;
  expect(await ask(await plain.target(), "/", { headers })).toBe("plain");
  expect((await plain.stop()).code).toBe(0);
});

async function start(code: string): Promise<Tsgate> {
  const project = await tempProject({ "app.mjs": code });
  return startTsgate(["--workers", "1", "--linger", "100ms", "--bind", "127.0.0.1:0", "app.mjs"], { cwd: project.dir });
}
