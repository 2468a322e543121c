/** The suite is proven on defects of what follows the loss of a process: each is planted, and must be found for what it is. */

import { describe } from "vitest";
import { SMALL, testPlanted } from "./planted.ts";

describe("a kill of a worker", () => {
  testPlanted(
    { ...SMALL, seed: 1, only: ["kill of a worker"], scenes: 1, ending: "quick stop" },
    {
      "its slot is not filled again": {
        defect: {
          file: "master/reconcile.ts",
          text: "if (seatHolder(pool, slot) === undefined && pool.slotHistory(slot).notBefore <= now) {",
          replacement: "if (seatHolder(pool, slot) === undefined && pool.slotHistory(slot) === undefined) {",
        },
        violates: "workers",
        patience: 1,
      },
      "another worker is killed for it": {
        defect: {
          file: "master/departures.ts",
          text: "crew.forget(id);",
          replacement:
            'crew.forget(id); if (signal !== null && id < 3) crew.kill(pool.workers.find((one) => one.id !== id)?.id ?? 0, "hung");',
        },
        violates: "log",
      },
      "the master leaks a descriptor with each worker": {
        defect: {
          file: "master/worker-process.ts",
          text: "this.id = ++newestId;",
          replacement: 'this.id = ++newestId; require("node:fs").openSync("/dev/null");',
        },
        violates: "descriptor",
      },
      "a worker leaks a descriptor with each connection": {
        defect: {
          file: "worker/connections.ts",
          text: "this.#open.add(connection);",
          replacement: 'this.#open.add(connection); require("node:fs").openSync("/dev/null");',
        },
        violates: "descriptor",
      },
    },
  );
});

describe("a SIGTERM to a worker", () => {
  testPlanted(
    { ...SMALL, seed: 1, only: ["SIGTERM to a worker"], scenes: 1, ending: "quick stop" },
    {
      "nobody takes its place": {
        defect: {
          file: "master/reports.ts",
          text: 'pool.unwanted(id, "terminated", now + TERM_SETTLE_MS);',
          replacement: "",
        },
        violates: "replacement",
        patience: 0.5,
      },
      "it drains before another is ready": {
        defect: {
          file: "master/reports.ts",
          text: 'pool.unwanted(id, "terminated", now + TERM_SETTLE_MS);',
          replacement: 'crew.perform({ do: "drain", id, why: "terminated" }, [], now);',
        },
        violates: "ready",
      },
    },
  );
});

describe("a hang", () => {
  testPlanted(
    { ...SMALL, seed: 1, only: ["hang of a worker"], scenes: 1, ending: "quick stop" },
    {
      "heartbeats that do not come are ignored": {
        defect: {
          file: "master/watchdog.ts",
          text: ".filter((worker) => deadlineOf(worker) <= now)",
          replacement: '.filter((worker) => worker.state.name !== "ready" && deadlineOf(worker) <= now)',
        },
        violates: "hang",
        patience: 1,
      },
    },
  );
});

describe("a master that stands still", () => {
  testPlanted(
    // Three long ones: heartbeats that wait in the channel may be read before the clock is looked at.
    { ...SMALL, seed: 17, only: ["master stopped for a while"], scenes: 3, ending: "quick stop" },
    {
      "its workers are taken for hung": {
        defect: {
          file: "master/arbiter.ts",
          text: "this.#parts.pool.postpone(lateMs + AWAKE_MS);",
          replacement: 'for (const { id } of this.#parts.pool.workers) this.#parts.crew.kill(id, "hung");',
        },
        violates: "log",
      },
    },
  );
});

describe("a kill of the master", () => {
  testPlanted(
    { ...SMALL, seed: 1, scenes: 0, ending: "kill of the master" },
    {
      "its workers stay": {
        defect: {
          file: "worker/worker.ts",
          text: 'process.once("disconnect", () => this.#departure.alone("orphaned"));',
          replacement: "",
        },
        violates: "process",
        patience: 1,
      },
      "its workers do not answer what they have accepted": {
        defect: {
          file: "worker/worker.ts",
          text: 'process.once("disconnect", () => this.#departure.alone("orphaned"));',
          replacement: 'process.once("disconnect", () => process.exit(1));',
        },
        violates: "request",
      },
    },
  );
});
