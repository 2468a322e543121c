import { describe, expect, it } from "vitest";
import type { ApplicationMetric } from "../../../src/application-metrics.ts";
import type { Order } from "../../../src/messages.ts";
import { MetricsGatherer } from "../../../src/master/metrics-gatherer.ts";

function hits(value: number): ApplicationMetric[] {
  return [{ name: "hits_total", help: "", type: "counter", aggregator: "sum", series: [["hits_total", value]] }];
}

/** Workers that answer with what they have, at once, or not at all. */
class Workers {
  readonly asked: number[] = [];
  readonly values = new Map<number, number | "hangs" | "cannot say">();
  readonly gatherer = new MetricsGatherer({
    workers: () => [...this.values.keys()],
    send: (id, order) => this.#asked(id, order),
  });

  async total(): Promise<number | undefined> {
    const [metric] = await this.gatherer.gather();
    return metric?.series.get("hits_total");
  }

  #asked(id: number, order: Order): void {
    this.asked.push(id);
    const value = this.values.get(id);
    if (order.tsgate !== "tell-application-metrics" || value === "hangs" || value === undefined) return;
    const metrics = value === "cannot say" ? null : hits(value);
    queueMicrotask(() => this.gatherer.take(id, order.request, metrics));
  }
}

describe("the metrics of the application", () => {
  it("are those of all workers", async () => {
    const workers = new Workers();
    workers.values.set(1, 3).set(2, 4);
    expect(await workers.total()).toBe(7);
    workers.values.set(1, 5);
    expect(await workers.total()).toBe(9);
  });

  it("are none without workers, at once", async () => {
    expect(await new Workers().total()).toBeUndefined();
  });

  it("are what they were of one that hangs, which is waited for once and asked no more until it answers", async () => {
    const workers = new Workers();
    workers.values.set(1, 3).set(2, 4);
    await workers.total();
    workers.values.set(2, "hangs").set(1, 10);
    expect(await workers.total()).toBe(14);
    workers.asked.length = 0;
    expect(await workers.total()).toBe(14);
    expect(workers.asked).toEqual([1]);
    // It comes to itself, and answers what it was asked then.
    workers.gatherer.take(2, 2, hits(6));
    workers.values.set(2, 8);
    expect(await workers.total()).toBe(18);
  });

  it("are what they were of one that cannot say, which nobody waits for", async () => {
    const workers = new Workers();
    workers.values.set(1, 3);
    await workers.total();
    workers.values.set(1, "cannot say");
    expect(await workers.total()).toBe(3);
  });

  it("keep what a worker had counted that has gone, also when it goes while it is waited for", async () => {
    const workers = new Workers();
    workers.values.set(1, 3).set(2, 4);
    await workers.total();
    workers.values.set(1, "hangs");
    const waiting = workers.total();
    workers.values.delete(1);
    workers.gatherer.gone(1);
    expect(await waiting).toBe(7);
    workers.values.set(3, 1);
    expect(await workers.total()).toBe(8);
  });

  it("have a worker's last word, for which nobody has asked", async () => {
    const workers = new Workers();
    workers.gatherer.take(1, 0, hits(9));
    workers.gatherer.gone(1);
    workers.values.set(2, 1);
    expect(await workers.total()).toBe(10);
  });
});
