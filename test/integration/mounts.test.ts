/** Several applications in one server, by path and by host, of every kind beside each other. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN, statusOf, untilMetrics } from "../support/admin.ts";
import { connectRaw } from "../support/raw-client.ts";
import { makeProject, type TempProject, tempProject } from "../support/temp-project.ts";
import { requestOnce, type RequestShape, type Target } from "../support/traffic.ts";
import { runTsgate, startTsgate, Tsgate } from "../support/tsgate.ts";

/** Each tells what it sees. */
const FILES = {
  "site.mjs": `
    import express from "express";
    const app = express();
    app.post("/body", express.text(), ({ body }, response) => response.send("site got " + body));
    app.use(({ url, originalUrl, baseUrl }, response) => response.json({ by: "site", url, originalUrl, baseUrl }));
    export default app;`,
  "api.mjs": `
    import { Hono } from "hono";
    const app = new Hono();
    app.get("/users/:id", (c) => c.json({ by: "api", id: c.req.param("id"), url: c.req.url, script: c.env.SCRIPT_NAME }));
    app.post("/body", async (c) => c.text("api got " + (await c.req.text())));
    app.all("*", (c) => c.json({ by: "api", url: c.req.url }));
    export default app;`,
  "legacy.mjs": `
    export const application = async (environ, startResponse) => {
      let body = "";
      for await (const chunk of environ["gateway.input"]) body += Buffer.from(chunk).toString();
      const { SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI } = environ;
      if (PATH_INFO === "/throws") throw new Error("thrown by legacy");
      startResponse(200, [["Content-Type", "application/json"]]);
      return [JSON.stringify({ by: "legacy", SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI, body })];
    };`,
  "shop.mjs": `
    import express from "express";
    const goods = express.Router();
    goods.get("/new", ({ url, originalUrl, baseUrl }, response) => response.json({ by: "goods", url, originalUrl, baseUrl }));
    const app = express();
    app.use("/goods", goods);
    app.get("/throws", async () => { throw Object.assign(new Error("thrown by shop"), { status: 502 }); });
    app.use(({ url, originalUrl, baseUrl }, response) => response.json({ by: "shop", url, originalUrl, baseUrl }));
    export default app;
    export const upgrade = ({ url, originalUrl }, socket) =>
      socket.end("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: x\\r\\nConnection: Upgrade\\r\\n\\r\\n" + url + " of " + originalUrl);`,
};
const MOUNTS = [
  ["--mount", "/api=api.mjs"],
  ["--mount", "/legacy=legacy.mjs"],
  ["--mount", "/legacy/shop=shop.mjs"],
  ["--mount", "host:api.example.org/v1=legacy.mjs"],
].flat();
const ARGS = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "100ms"];

describe("an application of each kind", () => {
  let project: TempProject;
  let server: Tsgate;
  let target: Target;

  beforeAll(async () => {
    project = await makeProject(FILES);
    await project.linkPackages("express", "hono");
    server = new Tsgate([...ARGS, ...ADMIN, "site.mjs", ...MOUNTS], { cwd: project.dir });
    target = await server.target();
  });

  afterAll(async () => {
    await server.cleanup();
    await project.remove();
  });

  const asked = async (path: string, shape: RequestShape = {}): Promise<string> => {
    const { reply } = await requestOnce(target, { ...shape, path });
    return reply?.body.toString() ?? "";
  };

  test.each([
    ["/", { by: "site", url: "/", originalUrl: "/", baseUrl: "" }],
    ["/apis?x=1", { by: "site", url: "/apis?x=1", originalUrl: "/apis?x=1", baseUrl: "" }],
    ["/legacy%2Fshop", { by: "site", url: "/legacy%2Fshop" }],
    ["/v1/x", { by: "site", url: "/v1/x" }],
    ["/api", { by: "api", url: "http://localhost/" }],
    ["/api/users/7?q=1", { by: "api", id: "7", url: "http://localhost/users/7?q=1", script: "/api" }],
    ["/%61pi/users/a%2Fb", { by: "api", id: "a/b", url: "http://localhost/users/a%2Fb" }],
    ["/legacy", { by: "legacy", SCRIPT_NAME: "/legacy", PATH_INFO: "", REQUEST_URI: "/legacy" }],
    ["/legacy/a%20b?q", { by: "legacy", PATH_INFO: "/a b", QUERY_STRING: "q", REQUEST_URI: "/legacy/a%20b?q" }],
    ["/legacy/shops", { by: "legacy", PATH_INFO: "/shops" }],
    ["/legacy/shop?q", { by: "shop", url: "/?q", originalUrl: "/legacy/shop?q", baseUrl: "/legacy/shop" }],
    [
      "/legacy/shop/goods/new",
      { by: "goods", url: "/new", originalUrl: "/legacy/shop/goods/new", baseUrl: "/legacy/shop/goods" },
    ],
  ])("gets what is below its prefix, and sees it without: %s", async (path, seen) => {
    expect(JSON.parse(await asked(path))).toMatchObject(seen);
  });

  test.each(["api.example.org", "API.EXAMPLE.ORG.", "api.example.org:8443"])(
    "is found by the host %s",
    async (host) => {
      const client = await connectRaw(target);
      client.send(`GET /v1/x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      await client.ended();
      expect(client.text).toContain('"by":"legacy","SCRIPT_NAME":"/v1","PATH_INFO":"/x"');
    },
  );

  test.each([
    ["in the target", "GET http://api.example.org/v1/x HTTP/1.1\r\nHost: api.example.org"],
    ["as a believed proxy says", "GET /v1/x HTTP/1.1\r\nHost: inner\r\nX-Forwarded-Host: api.example.org"],
  ])("is found by the host %s", async (_, head) => {
    const client = await connectRaw(target);
    client.send(`${head}\r\nConnection: close\r\n\r\n`);
    await client.ended();
    expect(client.text).toContain('"by":"legacy","SCRIPT_NAME":"/v1","PATH_INFO":"/x"');
  });

  test.each([
    ["/body", "site got hello"],
    ["/api/body", "api got hello"],
    ["/legacy/body", /"by":"legacy".*"body":"hello"/],
  ])("takes a body that waits for 100 Continue, %s", async (path, answer) => {
    const client = await connectRaw(target);
    const head =
      "Host: h\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\nExpect: 100-continue";
    client.send(`POST ${path} HTTP/1.1\r\n${head}\r\n\r\n`);
    await client.received(/ 100 Continue\r\n\r\n/);
    client.send("hello");
    await client.ended();
    expect(client.text).toMatch(answer);
    expect(client.statuses).toEqual([100, 200]);
  });

  test("takes upgrades if it wants to, and others answer them like any request", async () => {
    const head = "Host: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    const taken = await connectRaw(target);
    taken.send(`GET /legacy/shop/ws?q HTTP/1.1\r\n${head}`);
    await taken.ended();
    expect(taken.text).toMatch(/^HTTP\/1\.1 101 .*\/ws\?q of \/legacy\/shop\/ws\?q$/s);
    for (const [path, by] of [
      ["/ws", "site"],
      ["/api/ws", "api"],
      ["/legacy/ws", "legacy"],
    ]) {
      const client = await connectRaw(target);
      client.send(`GET ${path} HTTP/1.1\r\n${head}`);
      await client.received(new RegExp(`"by":"${by}"`));
      // The connection goes on.
      client.send(`GET ${path}/again HTTP/1.1\r\nHost: h\r\n\r\n`);
      await client.received(/again/);
      expect(client.statuses).toEqual([200, 200]);
      client.socket.destroy();
    }
  });

  test("that throws is named in the log by the path that was asked for", async () => {
    expect(await asked("/legacy/throws")).toBe("Internal Server Error\n");
    const { path, error } = await server.waitForRecord("application error");
    expect(path).toBe("/legacy/throws");
    expect(error).toMatchObject({ message: "thrown by legacy" });
  });

  test("has a metrics label and a row in the status of its own, and its record at the start", async () => {
    await asked("/legacy/shop/throws");
    const errors = (mount: string): string => `tsgate_requests_total{mount="${mount}",status="5xx"}`;
    const { series } = await untilMetrics(server, (value) => (value(errors("/legacy/shop")) ?? 0) > 0);
    expect(series.get(errors("/"))).toBe(0);
    expect(series.get(errors("host:api.example.org/v1"))).toBe(0);
    expect(series.get('tsgate_request_duration_seconds_count{mount="/api"}')).toBeGreaterThan(0);
    const { totals } = await statusOf(server);
    expect(totals.mounts.map(({ mount }) => mount)).toEqual([
      "/",
      "/api",
      "/legacy",
      "/legacy/shop",
      "host:api.example.org/v1",
    ]);
    expect(totals.mounts.reduce((sum, { requests }) => sum + requests, 0)).toBe(totals.requests);
    expect(server.log.all("application found")).toMatchObject([
      { mount: "/", application: "site.mjs", interface: "node", transport: "node:http" },
      { mount: "/api", application: "/api=api.mjs", interface: "fetch" },
      { mount: "/legacy", application: "/legacy=legacy.mjs", interface: "gateway" },
      { mount: "/legacy/shop", application: "/legacy/shop=shop.mjs", interface: "node" },
      { mount: "host:api.example.org/v1", application: "host:api.example.org/v1=legacy.mjs", interface: "gateway" },
    ]);
  });
});

const plain = (text: string, more = ""): string =>
  `export const application = (environ, startResponse) => (startResponse(200, []), [${JSON.stringify(text)}]);\n${more}`;

test("without an application at the root, what is no mount's is answered 404", async () => {
  const project = await tempProject({ "api.mjs": plain("api") });
  const server = startTsgate([...ARGS, ...ADMIN, "--mount", "/api=api.mjs"], { cwd: project.dir });
  const target = await server.target();
  const client = await connectRaw(target);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  await client.received(/Not Found\n$/);
  client.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  await client.received(/Not Found[^]*Not Found\n$/);
  client.get("/api");
  await client.received(/api$/);
  expect(client.statuses).toEqual([404, 404, 200]);
  await untilMetrics(server, (value) => value('tsgate_requests_total{mount="/",status="4xx"}') === 2);
});

test("each lives its own life: all start, all are asked for their health, all are told to go", async () => {
  const life = (name: string): string => `
    const say = (what) => () => console.log("${name} " + what);
    export const startup = say("startup"), health = say("health"), beforeDrain = say("beforeDrain"), shutdown = say("shutdown");`;
  const project = await tempProject({
    "one.mjs": plain("one", life("one")),
    "two.mjs": plain("two", `${life("two")}\nexport const other = application;`),
    "bad.mjs": plain("bad", "export const shutdown = () => { throw new Error('bad end'); };"),
  });
  const mounts = ["--mount", "/two=two.mjs", "--mount", "/three=two.mjs:other", "--mount", "/bad=bad.mjs"];
  const server = startTsgate([...ARGS, "--timeout", "1s", "one.mjs", ...mounts], { cwd: project.dir });
  await server.waitForReady(1);
  expect(server.stdout).toBe("one startup\ntwo startup\n");
  await server.waitForOutput(/one health\n/);
  await server.waitForOutput(/two health\n/);
  expect((await server.stop()).code).toBe(0);
  for (const name of ["one", "two"])
    for (const what of ["beforeDrain", "shutdown"]) expect(server.stdout.split(`${name} ${what}\n`)).toHaveLength(2);
  expect(server.log.all("application error")).toMatchObject([
    { function: "shutdown", application: "/bad=bad.mjs", message: "bad end" },
  ]);
});

test("one that is not healthy is enough for the worker to be replaced", async () => {
  const project = await tempProject({
    "well.mjs": plain("well", "export const health = () => true;"),
    "ill.mjs": plain("ill", "export const health = () => process.env.NOTHING !== undefined;"),
  });
  const mount = ["--mount", "/ill=ill.mjs"];
  const server = startTsgate([...ARGS, "--timeout", "1s", "well.mjs", ...mount], { cwd: project.dir });
  await server.waitForRecord({ msg: "worker draining", why: "unhealthy" });
});

test("a configuration file may name them as an object, and what is found is said of each", async () => {
  const project = await tempProject({
    "app.mjs": plain("app"),
    "tsgate.config.json": JSON.stringify({
      app: "app.mjs",
      mount: { "/api": "app.mjs:application", "host:h": "app.mjs" },
    }),
  });
  const { code, stdout } = await runTsgate(["--print-config"], { cwd: project.dir });
  expect(stdout).toMatch(/^mount +\/api=app\.mjs:application +file\n +host:h=app\.mjs$/m);
  const served = 'of kind gateway (export "application", a gateway application), served by engine';
  expect(stdout).toContain(
    ["app.mjs", "/api=app.mjs:application", "host:h=app.mjs"].map((name) => `${name} is ${served}\n`).join(""),
  );
  expect(code).toBe(0);
});
