/** The suite is proven on defects of reloads, drains and stops: each is planted, and must be found for what it is. */

import { describe } from "vitest";
import { SMALL, testPlanted } from "./planted.ts";

describe("a reload under traffic", () => {
  testPlanted(
    { ...SMALL, seed: 1, only: ["reload"], scenes: 1, ending: "stop" },
    {
      "old workers retire before new ones are ready": {
        defect: {
          file: "master/reconcile.ts",
          text: "if (!isReady(holder) && isReady(worker)) return undefined;",
          replacement: "",
        },
        violates: "ready",
      },
      "more workers are alive than the surge allows": {
        defect: {
          file: "master/reconcile.ts",
          text: "return pool.workers.length + emptySeats(pool) < pool.target + pool.limits.surge;",
          replacement: "return true;",
        },
        violates: "alive",
      },
      "a draining worker destroys its idle connections": {
        defect: {
          file: "worker/drain.ts",
          text: "connections.beginDrain();",
          replacement: "connections.beginDrain(); new IdleClosing().close(connections.all(), 0);",
        },
        violates: "linger",
      },
      "a draining worker does not wait for its requests": {
        defect: {
          file: "worker/drain.ts",
          text: "const deadlineAt = performance.now() + plan.deadlineMs;",
          replacement: "const deadlineAt = performance.now() + 100;",
        },
        violates: "request",
      },
      "the master leaks a descriptor with each reload": {
        defect: {
          file: "master/releases.ts",
          text: "this.#byGeneration.set(++this.#newest, release);",
          replacement: 'this.#byGeneration.set(++this.#newest, release); require("node:fs").openSync("/dev/null");',
        },
        violates: "descriptor",
      },
    },
  );
});

describe("a reload that is said to be done", () => {
  testPlanted(
    { ...SMALL, seed: 3, only: ["reload"], scenes: 1, ending: "quick stop" },
    {
      "has left old workers behind": {
        defect: [
          {
            file: "master/reconcile.ts",
            text: 'return pool.rollout?.stage === "rolling" && worker.generation < pool.generation;',
            replacement: "return false;",
          },
          {
            file: "master/rollout.ts",
            text: "return !pool.workers.some((worker) => worker.generation < rollout.generation) && isEverySeatServed(pool);",
            replacement: "return isEverySeatServed(pool);",
          },
        ],
        violates: "version",
      },
    },
  );
});

describe("scaling", () => {
  testPlanted(
    { ...SMALL, seed: 1, only: ["scale up"], scenes: 1, ending: "quick stop" },
    {
      "a signal changes nothing": {
        defect: {
          file: "master/arbiter.ts",
          text: "return capacity.change(1);",
          replacement: "return;",
        },
        violates: "scale",
        patience: 1,
      },
      "the new worker does not come": {
        defect: {
          file: "master/reconcile.ts",
          text: "for (let slot = 0; slot < pool.target; slot++) {\n    if (seatHolder(pool, slot) === undefined && pool",
          replacement: "for (let slot = 0; slot < 2; slot++) {\n    if (seatHolder(pool, slot) === undefined && pool",
        },
        violates: "workers",
        patience: 1,
      },
    },
  );
});

describe("a stop", () => {
  testPlanted(
    {
      ...SMALL,
      seed: 1,
      scenes: 0,
      ending: "stop",
      shape: { ...SMALL.shape, lingerMs: 1000 },
      // Of four connections one is never silent for a second in the four that it takes to be sure.
      traffic: { ...SMALL.traffic, keepAlive: 60 },
    },
    {
      "a draining worker does not say that it closes": {
        defect: {
          file: "worker/http-connection.ts",
          text: "response.shouldKeepAlive = false;",
          replacement: "",
        },
        violates: "keep-alive",
      },
      "the server does not stop": {
        defect: {
          file: "master/arbiter.ts",
          text: "return pool.stop === undefined ? stopping.gracefully() : stopping.quickly({ signal });",
          replacement: "return;",
        },
        violates: "stop",
        patience: 0.5,
      },
      "the pidfile is left behind": {
        defect: {
          file: "master/pidfile.ts",
          text: "release: () => removeOwn(target)",
          replacement: "release: () => {}",
        },
        violates: "pidfile",
      },
      "the exit code is wrong": {
        defect: {
          file: "master/stopping.ts",
          text: "exitCode: this.#error?.exitCode ?? EXIT.stopped,",
          replacement: "exitCode: EXIT.error,",
        },
        violates: "exit",
      },
    },
  );
});

describe("a quick stop", () => {
  testPlanted(
    { ...SMALL, seed: 1, scenes: 0, ending: "quick stop", shape: { ...SMALL.shape, binds: ["unix:app.sock"] } },
    {
      "the unix socket is left behind": {
        defect: {
          file: "master/holdings.ts",
          text: "this.closeListeners();",
          replacement: "",
        },
        violates: "socket",
      },
      "a worker is left behind": {
        defect: [
          { file: "master/arbiter.ts", text: "crew.killAll();", replacement: "" },
          {
            file: "master/arbiter.ts",
            text: "return !isServing(pool, monotonicNow()) && pool.workers.length === 0;",
            replacement: "return !isServing(pool, monotonicNow());",
          },
          {
            file: "worker/worker.ts",
            text: "return process.exit(EXIT.stopped);\n      case",
            replacement: "return;\n      case",
          },
          {
            file: "worker/worker.ts",
            text: 'process.once("disconnect", () => this.#departure.alone("orphaned"));',
            replacement: "",
          },
        ],
        violates: "process",
      },
    },
  );
});

describe("a stop with a full queue", () => {
  testPlanted(
    {
      ...SMALL,
      seed: 2,
      scenes: 0,
      ending: "stop with a full queue",
      shape: { ...SMALL.shape, binds: ["127.0.0.1:0"] },
    },
    {
      "the accept queue is reset": {
        defect: {
          file: "worker/drain.ts",
          text: "if (plan.wholeServer) await emptyAcceptQueues(servers, remainingMs());\n  else for",
          replacement: "for",
        },
        violates: "request",
      },
    },
  );
});

describe("a broken reload", () => {
  testPlanted(
    { ...SMALL, seed: 4, only: ["broken reload"], scenes: 1, ending: "quick stop" },
    {
      "nobody is told that it failed": {
        defect: {
          file: "master/reload.ts",
          text: "journal.reloadFailed(generation, error, stack);",
          replacement: "",
        },
        violates: "reload",
        patience: 1,
      },
    },
  );
});
