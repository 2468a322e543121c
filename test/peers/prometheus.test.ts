/** The metrics as Prometheus and its own checker read them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { ADMIN, adminTarget, reply, untilMetrics } from "../support/admin.ts";
import { describeWithPeers } from "../support/peers.ts";
import { PROMETHEUS, PROMTOOL, startPrometheus } from "../support/prometheus.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const APP = `import client from "prom-client";
const orders = new client.Counter({ name: "shop_orders_total", help: "Orders, \\"all\\" of them", labelNames: ["kind"] });
const took = new client.Histogram({ name: "shop_order_seconds", help: "Time" });
new client.Summary({ name: "shop_order_bytes", help: "Size" }).observe(1);
export default (request, response) => {
  orders.inc({ kind: 'a "kind"\\\\\\n' });
  took.observe(0.02);
  response.end();
};
`;

describeWithPeers("Prometheus", [PROMETHEUS, PROMTOOL], () => {
  test("promtool check metrics finds nothing to complain of", async () => {
    const { server } = await start(["--name", 'my "shop"']);
    const { body } = await reply(await adminTarget(server), "/metrics");
    expect(body).toContain("shop_orders_total");
    const promtool = spawn(PROMTOOL.command, ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    for (const stream of [promtool.stdout, promtool.stderr])
      stream.on("data", (text: Buffer) => (said += String(text)));
    promtool.stdin.end(body);
    const [code] = (await once(promtool, "close")) as [number | null];
    expect([said, code]).toEqual(["", 0]);
  });

  test("a Prometheus scrapes the server, its own metrics and the application's", async () => {
    const { server, project } = await start();
    const target = await adminTarget(server);
    const prometheus = await startPrometheus(project, "port" in target ? target.port : 0);
    const samples = await prometheus.until(
      "tsgate_requests_total",
      (found) => found.find(({ metric }) => metric["status"] === "2xx")?.value[1] === "5",
    );
    expect(samples.map(({ metric }) => metric["status"]).sort()).toEqual(["2xx", "3xx", "4xx", "5xx", "none"]);
    expect(await prometheus.query("up")).toMatchObject([{ value: [expect.any(Number), "1"] }]);
    expect(await prometheus.query("shop_orders_total")).toMatchObject([{ metric: { kind: 'a "kind"\\\n' } }]);
    expect(await prometheus.query("histogram_quantile(0.99, tsgate_request_duration_seconds_bucket)")).toHaveLength(1);
    expect(await prometheus.query("sum(shop_order_seconds_count)")).toMatchObject([
      { value: [expect.any(Number), "5"] },
    ]);
    const [scraped] = await prometheus.query("scrape_samples_scraped");
    expect(Number(scraped?.value[1])).toBeGreaterThan(100);
  });
});

/** A server that has answered five requests, and said so. */
async function start(args: readonly string[] = []): Promise<{ server: Tsgate; project: TempProject }> {
  const project = await tempProject({ "app.mjs": APP });
  await project.linkPackages("prom-client");
  const own = ["--workers", "2", "--bind", "127.0.0.1:0", ...ADMIN];
  const server = startTsgate([...own, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(2);
  const target = await server.target();
  for (let asked = 0; asked < 5; asked++) await requestOnce(target);
  const name = args.length === 0 ? "" : String.raw`,name="my \"shop\""`;
  await untilMetrics(server, (value) => value(`tsgate_requests_total{mount="/"${name},status="2xx"}`) === 5);
  return { server, project };
}
