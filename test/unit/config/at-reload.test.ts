import { expect, test } from "vitest";
import { configurationAtReload } from "../../../src/config/at-reload.ts";
import { resolveConfiguration } from "../../../src/config/resolve.ts";
import type { Configuration } from "../../../src/config/types.ts";

const resolved = (flags: Record<string, unknown>): Promise<Configuration> =>
  resolveConfiguration({ flags, app: "app.js", env: {}, cwd: "/nonexistent", machine: () => ({ cpus: 2 }) });

test("a reload takes what may change and keeps what needs a restart", async () => {
  const current = await resolved({ workers: "2", bind: [":80"], pid: "/run/a.pid" });
  const next = await resolved({ workers: "3", bind: [":81"], timeout: "5" });
  const { configuration, needsRestart } = configurationAtReload(current, next);
  expect(configuration.settings).toMatchObject({ workers: 3, timeout: 5000, pid: "/run/a.pid" });
  expect(configuration.settings.bind).toEqual(current.settings.bind);
  expect(configuration.origins).toMatchObject({ pid: "command line", timeout: "command line" });
  expect([...needsRestart].sort()).toEqual(["bind", "pid"]);
});

test("a reload of the same needs nothing", async () => {
  const current = await resolved({ bind: [":80"] });
  expect(configurationAtReload(current, await resolved({ bind: [":80"] }))).toEqual({
    configuration: current,
    needsRestart: [],
  });
});
