/** A server at one moment, as a value: two slots, one of which waits for its next worker. */

import { BOOT_BOUNDS_SECONDS, type Observation } from "../../../src/observe/observation.ts";
import { RecentTraffic } from "../../../src/observe/recent-traffic.ts";
import { statsWith } from "./totals.ts";

export const AT = Date.UTC(2030, 0, 2, 3, 4, 5);

export function observation(): Observation {
  const stats = statsWith({ byStatus: [90, 0, 5, 4, 1], bytesSent: 1000 }, { inFlight: 3, connections: 12 });
  const recent = new RecentTraffic(0);
  recent.add(0, 10_000, stats.totals);
  return {
    at: AT,
    server: {
      name: "shop",
      version: "1.2.3",
      node: "v24.0.0",
      pid: 100,
      startedAt: AT - 60_000,
      app: "app.js",
      state: "degraded",
      generation: 2,
      target: 2,
    },
    counts: { booting: 0, ready: 1, draining: 0 },
    silent: 0,
    degradedSlots: [1],
    reload: {
      running: { generation: 3, stage: "canary", startedAt: AT - 500 },
      last: {
        outcome: "failed",
        generation: 2,
        at: AT - 9000,
        tookMs: undefined,
        error: "broken",
        stack: "at app.js:1",
      },
    },
    listeners: [{ address: "127.0.0.1:8000", transport: "node:http", queued: 4 }],
    workers: [
      {
        slot: 0,
        id: 5,
        pid: 105,
        generation: 2,
        state: "ready",
        why: undefined,
        silentMs: undefined,
        spawnedAt: AT - 30_000,
        bootMs: 250.4,
        stats,
        reportedAt: AT - 400,
      },
    ],
    emptySlots: [{ slot: 1, retryInMs: 1500.4 }],
    lastExits: new Map([
      [1, { at: AT - 700, pid: 104, generation: 2, cause: "crashed", code: 7, signal: undefined, error: undefined }],
    ]),
    totals: stats.totals,
    inFlight: stats.inFlight,
    connections: stats.connections,
    window: recent.window(12_000),
    seconds: recent.seconds(12_000),
    counters: {
      boots: 5,
      bootSeconds: { counts: [...BOOT_BOUNDS_SECONDS.map(() => 0), 0], sum: 0 },
      exits: new Map([["crashed", 3]]),
      hangs: 1,
      moves: { leaving: 3, uneven: 4 },
      reloads: { done: 0, failed: 0, superseded: 0 },
    },
    cpuSeconds: new Map([[0, 3.5]]),
    master: stats.load,
    droppedRecords: 2,
    events: [
      { at: AT - 60_000, type: "started", times: 1 },
      { at: AT - 700, type: "crashed", slot: 1, pid: 104, generation: 2, why: "crashed", code: 7, times: 3 },
    ],
  };
}
