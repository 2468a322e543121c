/** A real Prometheus for a test, and its checker: both come with the Debian package. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { freePort } from "./free-port.ts";
import type { TempProject } from "./temp-project.ts";

export const PROMETHEUS = { command: "prometheus", debianPackage: "prometheus" };
export const PROMTOOL = { command: "promtool", debianPackage: "prometheus" };

export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Prometheus {
  query(expression: string): Promise<Found[]>;
  /** Asks until what is found is so; throws after 45 s. */
  until(expression: string, condition: (found: Found[]) => boolean): Promise<Found[]>;
}

/** Starts a Prometheus that scrapes `port` each second; it is ended by its pid when the test ends. */
export async function startPrometheus(project: TempProject, port: number): Promise<Prometheus> {
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
    const endsAt = performance.now() + 45_000;
    for (;;) {
      const found = await query(expression).catch((): Found[] => []);
      if (condition(found)) return found;
      if (performance.now() > endsAt) throw new Error(`${JSON.stringify(found)}\n${said.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return { query, until };
}
