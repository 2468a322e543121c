/** Applications with prom-client, which know nothing of tsgate, on the shipped binary. */

import { describe, expect, test } from "vitest";
import { ADMIN, metricsOf, untilMetrics } from "../support/admin.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

/** An application that counts its requests, behind a line that gives it `client`. */
const COUNTING = `
const hits = new client.Counter({ name: "shop_hits_total", help: 'Hits, "all"', labelNames: ["path"] });
const took = new client.Histogram({ name: "shop_took_seconds", help: "Time", buckets: [0.1, 1] });
const routes = new client.Histogram({ name: "shop_route_seconds", help: "Time", labelNames: ["path"], buckets: [0.1] });
new client.Gauge({ name: "shop_workers", help: "Workers" }).set(1);
new client.Gauge({ name: "shop_oldest", help: "Oldest", aggregator: "max" }).set(process.pid);
new client.Counter({ name: "tsgate_stolen_total", help: "Not its name to give" }).inc();
const application = (request, response) => {
  hits.inc({ path: request.url });
  took.observe(0.05);
  routes.observe({ path: request.url }, 0.05);
  if (request.url === "/exit") process.exit(7);
  response.setHeader("x-worker-pid", process.pid);
  response.end("counted");
};
`;
const ESM = `import client from "prom-client";\n${COUNTING}\nexport default application;\n`;
const COMMONJS = `const client = require("prom-client");\n${COUNTING}\nmodule.exports = application;\n`;

const HITS = 'shop_hits_total{path="/"}';

async function start(
  file: string,
  source: string,
  args: readonly string[] = [],
): Promise<{ server: Tsgate; project: TempProject; target: Target }> {
  const project = await tempProject({ [file]: source });
  await project.linkPackages("prom-client");
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", "200ms", ...ADMIN];
  const server = startTsgate([...own, ...args, file], { cwd: project.dir });
  await server.waitForReady(2);
  return { server, project, target: await server.target() };
}

/** Asks until every worker has answered; returns how often. */
async function askAll(target: Target): Promise<number> {
  const pids = new Set<string | undefined>();
  for (let asked = 1; ; asked++) {
    pids.add((await requestOnce(target)).reply?.headers.get("x-worker-pid"));
    if (pids.size === 2) return asked;
  }
}

describe.each([
  ["an ES module", "app.mjs", ESM],
  ["CommonJS", "app.cjs", COMMONJS],
])("an application in %s", (_, file, source) => {
  test("finds its metrics merged over the workers, by each metric's aggregator", async () => {
    const { server, target } = await start(file, source);
    const asked = await askAll(target);
    const { series, types, helps } = await untilMetrics(server, (value) => value(HITS) === asked);
    expect(series.get("shop_took_seconds_count")).toBe(asked);
    expect(series.get('shop_took_seconds_bucket{le="0.1"}')).toBe(asked);
    expect(series.get("shop_took_seconds_sum")).toBeCloseTo(asked * 0.05, 6);
    expect(series.get("shop_workers")).toBe(2);
    expect(series.get("shop_oldest")).toBe(Math.max(...server.workerPids()));
    expect([types.get("shop_hits_total"), types.get("shop_took_seconds")]).toEqual(["counter", "histogram"]);
    expect(helps.get("shop_hits_total")).toBe('Hits, "all"');
    expect(types.has("tsgate_stolen_total")).toBe(false);
  });
});

test("what it counted stays through a reload, and gauges are those of the workers that live", async () => {
  const { server, target } = await start("app.mjs", ESM);
  let asked = await askAll(target);
  // Nobody has looked before the workers go: they tell at their end.
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  const { series: before } = await untilMetrics(
    server,
    (value) => value(HITS) === asked && value("shop_workers") === 2,
  );
  // The new workers have it without any series.
  expect(before.get('shop_route_seconds_count{path="/"}')).toBe(asked);
  asked += await askAll(target);
  const { series } = await untilMetrics(server, (value) => value(HITS) === asked);
  expect(series.get("shop_took_seconds_count")).toBe(asked);
  expect(series.get('shop_route_seconds_count{path="/"}')).toBe(asked);
  expect(series.get("shop_workers")).toBe(2);
});

test("what it counted stays as it was last told when a worker dies", async () => {
  const { server, target } = await start("app.mjs", ESM);
  const asked = await askAll(target);
  await untilMetrics(server, (value) => value(HITS) === asked);
  const [pid = 0] = server.workerPids();
  process.kill(pid, "SIGKILL");
  await server.waitForRecord("worker ready", { nth: 3 });
  const more = await askAll(target);
  await untilMetrics(server, (value) => value(HITS) === asked + more && value("shop_workers") === 2);
});

test("a metric of another shape in the new code replaces the old one", async () => {
  const { server, project, target } = await start("app.mjs", ESM);
  await askAll(target);
  await metricsOf(server);
  await project.write("app.mjs", ESM.replace("[0.1, 1]", "[0.2, 2]"));
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  const asked = await askAll(target);
  const { series } = await untilMetrics(server, (value) => value("shop_took_seconds_count") === asked);
  expect([...series.keys()].filter((one) => one.startsWith("shop_took_seconds_bucket"))).toEqual([
    'shop_took_seconds_bucket{le="0.2"}',
    'shop_took_seconds_bucket{le="2"}',
    'shop_took_seconds_bucket{le="+Inf"}',
  ]);
});

test("an application that cannot say is told of as it last was, and complained of once", async () => {
  const broken = `import { existsSync } from "node:fs";
import client from "prom-client";
const collect = () => { if (existsSync("ill")) throw new Error("no value today"); };
new client.Gauge({ name: "shop_ill", help: "x", collect });\n`;
  const { server, project, target } = await start("app.mjs", `${broken}${COUNTING}export default application;\n`);
  const asked = await askAll(target);
  await untilMetrics(server, (value) => value(HITS) === asked);
  await project.write("ill", "");
  await untilMetrics(server, () => server.log.all("application metrics incomplete").length === 2);
  expect((await metricsOf(server)).series.get(HITS)).toBe(asked);
  expect(server.log.all("application metrics incomplete")).toMatchObject(
    [0, 1].map(() => ({ level: 40, role: "worker", problem: "could not say: no value today" })),
  );
});

test("more series than a master wants to read are left out, a metric as a whole, and named", async () => {
  const many = `const many = new client.Counter({ name: "shop_many_total", help: "x", labelNames: ["id"] });
for (let id = 0; id < 6000; id++) many.inc({ id });\n`;
  const { server, target } = await start(
    "app.mjs",
    `import client from "prom-client";\n${many}${COUNTING}export default application;\n`,
  );
  const asked = await askAll(target);
  const { types } = await untilMetrics(server, (value) => value(HITS) === asked);
  expect(types.has("shop_many_total")).toBe(false);
  const { problem } = await server.waitForRecord("application metrics incomplete");
  expect(problem).toBe("has more than 5000 series; left out: shop_many_total");
});

test("an application without prom-client has none, though the package is there", async () => {
  const { server } = await start("app.mjs", "export default (request, response) => response.end();\n");
  const { types } = await metricsOf(server);
  expect([...types.keys()].filter((name) => !name.startsWith("tsgate_"))).toEqual([]);
});
