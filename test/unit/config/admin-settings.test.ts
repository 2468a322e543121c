/** The settings of the operator's endpoints, and what does not fit among them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { printConfiguration } from "../../../src/config/print-config.ts";
import { resolveConfiguration } from "../../../src/config/resolve.ts";
import type { Configuration } from "../../../src/config/types.ts";
import { TsgateError } from "../../../src/errors.ts";
import { temporaryTree } from "./temporary-tree.ts";

const TOKEN = "0123456789abcdef";

const ENDPOINTS = { adminBind: [":9000"] };

function resolved(flags: Record<string, unknown>, files: Record<string, string> = {}): Promise<Configuration> {
  return resolveConfiguration({
    flags,
    app: "app.js",
    env: {},
    cwd: temporaryTree(files),
    machine: () => ({ cpus: 3 }),
  });
}

async function complaint(flags: Record<string, unknown>, files: Record<string, string> = {}): Promise<string> {
  const error: unknown = await resolved(flags, files).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TsgateError);
  expect((error as TsgateError).exitCode).toBe(2);
  return (error as TsgateError).message;
}

describe("the endpoints' addresses", () => {
  it("may be several, and their paths begin where the others do", async () => {
    const files = { "srv/app.js": "" };
    const { settings } = await resolved({ adminBind: [":9000", "unix:admin.sock"], chdir: "srv" }, files);
    expect(settings.adminBind).toEqual([
      { kind: "tcp", host: null, port: 9000 },
      { kind: "unix", path: join(settings.chdir ?? "", "admin.sock") },
    ]);
  });

  it("are not those of the application, unless any free port will do", async () => {
    const flags = { bind: [":8000"], adminBind: [":9000", ":8000"] };
    expect(await complaint(flags)).toBe(
      "--admin-bind: :8000 is an address of the application too (--bind); give it one of its own",
    );
    const any = { bind: ["127.0.0.1:0"], adminBind: ["127.0.0.1:0"] };
    expect((await resolved(any)).settings.adminBind).toHaveLength(1);
  });

  it("are given once each", async () => {
    expect(await complaint({ adminBind: [":9000", ":9000"] })).toContain(":9000 is given twice");
  });
});

describe("what is said of endpoints that there are not", () => {
  it.each([
    ["--admin-token-file", { adminTokenFile: "admin.token" }],
    ["--min-ready", { minReady: "2" }],
  ])("is refused: %s has no effect", async (flag, flags) => {
    expect(await complaint(flags, { "admin.token": TOKEN })).toBe(
      `${flag} has no effect without --admin-bind; give both, or leave it out`,
    );
  });
});

describe("the token", () => {
  it("is what the file holds, read again each time, and is shown nowhere", async () => {
    const files = { "admin.token": `${TOKEN}\n` };
    const configuration = await resolved({ ...ENDPOINTS, adminTokenFile: "admin.token" }, files);
    expect(configuration.adminToken).toBe(TOKEN);
    expect(printConfiguration(configuration)).not.toContain(TOKEN);
    const cwd = temporaryTree(files);
    const request = { flags: { ...ENDPOINTS, adminTokenFile: "admin.token" }, app: "app.js", env: {}, cwd };
    expect((await resolveConfiguration(request)).adminToken).toBe(TOKEN);
    writeFileSync(join(cwd, "admin.token"), "another-token-of-24-bytes");
    expect((await resolveConfiguration(request)).adminToken).toBe("another-token-of-24-bytes");
  });

  it("is none without a file", async () => {
    expect((await resolved({})).adminToken).toBeUndefined();
  });

  it.each([
    ["is empty", "\n", /admin\.token is empty; write a token into it$/],
    ["is too short", "secret123", /the token in .*admin\.token is too short; give one of 16 characters or more$/],
    ["is more than one word", "secret 0123456789", /admin\.token holds more than one word/],
    ["holds what no request can carry", "sécret-0123456789", /admin\.token holds more than one word/],
  ])("is refused when it %s, without showing it", async (_, text, expected) => {
    const message = await complaint({ ...ENDPOINTS, adminTokenFile: "admin.token" }, { "admin.token": text });
    expect(message).toMatch(/^--admin-token-file: /);
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/s[eé]cret/);
  });

  it("is refused when the file is not there, or is none", async () => {
    expect(await complaint({ ...ENDPOINTS, adminTokenFile: "nowhere" })).toMatch(
      /nowhere does not exist; write a token into it$/,
    );
    expect(await complaint({ ...ENDPOINTS, adminTokenFile: "folder" }, { "folder/x": "" })).toContain("is a directory");
  });
});

describe("how many workers must be ready", () => {
  it("is at most how many there are", async () => {
    expect((await resolved({ ...ENDPOINTS, minReady: "3" })).settings.minReady).toBe(3);
    expect(await complaint({ ...ENDPOINTS, minReady: "4" })).toBe(
      "--min-ready: 4 workers can never be ready, there are 3; give at most 3, or more workers",
    );
  });

  it("is at least one", async () => {
    expect(await complaint({ ...ENDPOINTS, minReady: "0" })).toContain("--min-ready: 0 is too small");
  });
});
