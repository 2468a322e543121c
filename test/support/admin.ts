/** The operator's endpoints of a server under test: asked over raw sockets, each time on a connection of its own. */

import type { Status } from "../../src/observe/status.ts";
import { ask } from "./ask.ts";
import { type ReadMetrics, readMetrics } from "./metrics-text.ts";
import { requestOnce } from "./traffic.ts";
import type { RequestShape, Target } from "./traffic.ts";
import { toTarget } from "./tsgate.ts";
import type { Tsgate } from "./tsgate.ts";

export const ADMIN = ["--admin-bind", "127.0.0.1:0"];

/** Where the `index`-th of the endpoints' addresses is, once the server listens there. */
export async function adminTarget(server: Tsgate, index = 0): Promise<Target> {
  const { address } = await server.waitForRecord("admin listening", { nth: index + 1 });
  return toTarget(String(address));
}

export interface AdminReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The reply to a request, whatever its status. Throws when there was none. */
export async function reply(target: Target, path: string, shape: RequestShape = {}): Promise<AdminReply> {
  const { reply: got, outcome, detail } = await requestOnce(target, { ...shape, path });
  if (got === undefined) throw new Error(`${path}: ${outcome} ${detail}`);
  return { status: got.status, headers: got.headers, body: got.body.toString() };
}

export async function metricsOf(server: Tsgate): Promise<ReadMetrics> {
  return readMetrics(await ask(await adminTarget(server), "/metrics"));
}

export async function statusOf(server: Tsgate): Promise<Status> {
  return JSON.parse(await ask(await adminTarget(server), "/status.json")) as Status;
}

/** Asks for the metrics until they are so; throws after 45 s, and shows the series of those that were looked at. */
export async function untilMetrics(
  server: Tsgate,
  condition: (value: (series: string) => number | undefined) => boolean,
): Promise<ReadMetrics> {
  const endsAt = performance.now() + 45_000;
  for (;;) {
    const asked = new Set<string>();
    const metrics = await metricsOf(server);
    const value = (series: string): number | undefined => {
      asked.add(series);
      return metrics.series.get(series);
    };
    if (condition(value)) return metrics;
    if (performance.now() > endsAt) {
      const seen = [...asked].map((series) => `${series} ${metrics.series.get(series)}`);
      throw new Error(`the metrics did not become so:\n${seen.join("\n")}\n${condition.toString()}`);
    }
    await pause();
  }
}

/** Asks for the status until it is so; throws after 45 s. */
export async function untilStatus(server: Tsgate, condition: (status: Status) => boolean): Promise<Status> {
  const endsAt = performance.now() + 45_000;
  for (;;) {
    const status = await statusOf(server);
    if (condition(status)) return status;
    if (performance.now() > endsAt)
      throw new Error(`the status did not become so: ${condition.toString()}\n${JSON.stringify(status)}`);
    await pause();
  }
}

/** Asks no more often than the metrics are made anew. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
