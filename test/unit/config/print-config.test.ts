import { join } from "node:path";
import { expect, test } from "vitest";
import { printConfiguration, reportConfiguration } from "../../../src/config/print-config.ts";
import { resolveConfiguration } from "../../../src/config/resolve.ts";
import { SETTING_KEYS } from "../../../src/config/settings.ts";
import type { Configuration } from "../../../src/config/types.ts";
import { temporaryTree } from "./temporary-tree.ts";

const resolved = (flags: Record<string, unknown>, files: Record<string, string> = {}): Promise<Configuration> =>
  resolveConfiguration({
    flags,
    app: "app.js",
    env: { TSGATE_NAME: "shop" },
    cwd: temporaryTree(files),
    machine: () => ({ cpus: 2 }),
  });

test("every setting is printed with its value and its origin", async () => {
  const files = { "tsgate.config.mjs": "export default { linger: 2, whenReady() {} }" };
  const configuration = await resolved({ bind: [":80", "unix:/run/x.sock"], preload: true }, files);
  const text = printConfiguration(configuration);
  for (const key of SETTING_KEYS) expect(text).toMatch(new RegExp(`^${key} +\\S`, "m"));
  expect(text).toMatch(/^application +app\.js$/m);
  expect(text.split("\n")).toContainEqual(
    expect.stringMatching(new RegExp(`^configuration +${configuration.configFile ?? ""}$`)),
  );
  expect(text).toMatch(/^hooks +whenReady$/m);
  expect(text).toMatch(/^bind +:80 +command line\n +unix:\/run\/x\.sock$/m);
  expect(text).toMatch(/^linger +2s +file$/m);
  expect(text).toMatch(/^name +shop +environment$/m);
  expect(text).toMatch(/^preload +on +command line$/m);
  expect(text).toMatch(/^workers +2 +default \(2 CPUs\)$/m);
  expect(text).toMatch(/^pid +- +default$/m);
  expect(text.endsWith("\n")).toBe(true);
});

test("values of variables that look secret are masked", async () => {
  const env = [
    "DB_PASSWORD=a1",
    "APP_SECRET=a2",
    "github_token=a3",
    "API_KEY=a4",
    "DB_PASS=a5",
    "DATABASE_URL=postgres://me:a6@db/x",
    "PASSENGERS=7",
    "NODE_ENV=production",
  ];
  const text = printConfiguration(await resolved({ env }));
  for (const secret of ["a1", "a2", "a3", "a4", "a5", "a6"]) expect(text).not.toContain(secret);
  expect(text).toContain("DB_PASSWORD=********");
  expect(text).toContain("DATABASE_URL=postgres://me:********@db/x");
  expect(text).toContain("PASSENGERS=7");
  expect(text).toContain("NODE_ENV=production");
});

test("the report is plain data", async () => {
  const report = reportConfiguration(await resolved({ bind: [":80"], waitReady: true }));
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(report.settings).toMatchObject({
    bind: { value: [":80"], origin: "command line" },
    waitReady: { value: true, origin: "command line" },
    timeout: { value: "30s", origin: "default" },
    pid: { value: null, origin: "default" },
  });
  expect(report.configFile).toBeNull();
});

test("what is printed as a value can be given as one", async () => {
  const first = await resolved({ surge: "3", linger: "1500ms", bind: ["[::1]:80"], logLevel: "warn" });
  const { settings } = reportConfiguration(first);
  const flags = Object.fromEntries(Object.entries(settings).map(([key, { value }]) => [key, value ?? undefined]));
  expect((await resolved({ ...flags, env: undefined })).settings).toEqual(first.settings);
  expect(join(first.settings.name)).toBe("shop");
});

test("arguments of the application that look secret are masked, in both spellings", async () => {
  const configuration = await resolved({});
  const appArgs = [
    "--db-password=a1",
    "--api-token",
    "a2",
    "--port=80",
    "--secret",
    "--flag",
    "redis://me:a3@db/0",
    "plain",
  ];
  const report = reportConfiguration({ ...configuration, appArgs });
  const shown = "--db-password=******** --api-token ******** --port=80 --secret --flag redis://me:********@db/0 plain";
  expect(report.appArgs.join(" ")).toBe(shown);
  expect(printConfiguration({ ...configuration, appArgs })).toContain(shown);
});
