/** The metrics as Prometheus and its own checker read them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { ADMIN, adminTarget, reply, untilMetrics } from "../support/admin.ts";
import { freePort } from "../support/free-port.ts";
import { describeWithPeers } from "../support/peers.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const PROMETHEUS = { command: "prometheus", debianPackage: "prometheus" };
const PROMTOOL = { command: "promtool", debianPackage: "prometheus" };

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

interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Prometheus {
  query(expression: string): Promise<Found[]>;
  /** Asks until what is found is so; throws after 20 s. */
  until(expression: string, condition: (found: Found[]) => boolean): Promise<Found[]>;
}

/** Starts a Prometheus that scrapes `port` each second; it is ended by its pid when the test ends. */
async function startPrometheus(project: TempProject, port: number): Promise<Prometheus> {
  const listen = `127.0.0.1:${await freePort()}`;
  const job = `{ job_name: tsgate, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }`;
  await project.write("p.yml", `global: { scrape_interval: 1s }\nscrape_configs: [${job}]\n`);
  const args = [`--config.file=${project.path("p.yml")}`, `--storage.tsdb.path=${project.path("data")}`];
  const child = spawn(PROMETHEUS.command, [...args, `--web.listen-address=${listen}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += String(text)));
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const query = async (expression: string): Promise<Found[]> => {
    const url = `http://${listen}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const { data } = (await (await fetch(url)).json()) as { data: { result: Found[] } };
    return data.result;
  };
  const until: Prometheus["until"] = async (expression, condition) => {
    const endsAt = performance.now() + 20_000;
    for (;;) {
      const found = await query(expression).catch((): Found[] => []);
      if (condition(found)) return found;
      if (performance.now() > endsAt) throw new Error(`${JSON.stringify(found)}\n${said.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return { query, until };
}
