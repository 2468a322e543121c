/**
 * Which tests there are and how many run at once. Unit and conformance tests use every core; tests that start whole
 * servers run two files at a time, after them, so that a slow machine is not mistaken for a slow server.
 */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));

const quick = {
  environment: "node",
  testTimeout: 30_000,
  hookTimeout: 30_000,
  expect: { poll: { timeout: 20_000 } },
} as const;
const servers = { ...quick, testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2 } as const;

export default defineConfig({
  root,
  test: {
    pool: "forks",
    projects: [
      { test: { ...quick, name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { ...quick, name: "conformance", include: ["test/conformance/**/*.test.ts"] } },
      {
        test: {
          ...servers,
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...servers,
          testTimeout: 180_000,
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...quick,
          testTimeout: 120_000,
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          sequence: { groupOrder: 3 },
        },
      },
      { test: { ...servers, name: "peers", include: ["test/peers/**/*.test.ts"], sequence: { groupOrder: 2 } } },
    ],
  },
});
