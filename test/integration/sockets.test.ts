/** Every kind of address that can be listened on, served by the shipped binary. */

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const HAND_OVER = fileURLToPath(new URL("../support/hand-over.mjs", import.meta.url));
const hasAbstractNames = process.platform === "linux" && Number(process.versions.node.split(".", 1)[0]) >= 22;

test("several addresses are served at once: IPv4, IPv6, all addresses and a unix socket", async () => {
  const project = await helloProject();
  const binds = ["127.0.0.1:0", "[::1]:0", ":0", "unix:app.sock"].flatMap((address) => ["--bind", address]);
  const server = startTsgate(["--workers", "2", ...binds, "app.mjs"], {
    cwd: project.dir,
    wrapper: ["sh", "-c", 'umask 027; exec "$@"', "sh"],
  });
  await server.waitForReady(2);
  const addresses = server.log.all("listening").map(({ address }) => String(address));
  expect(addresses).toEqual([
    expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/),
    expect.stringMatching(/^\[::1\]:[1-9]\d*$/),
    expect.stringMatching(/^\[::\]:[1-9]\d*$/),
    `unix:${project.path("app.sock")}`,
  ]);
  for (const index of addresses.keys()) expect(await ask(await server.target(index))).toBe("hello");

  const port = Number(addresses[2]?.split(":").at(-1));
  for (const host of ["127.0.0.1", "::1"]) expect(await ask({ host, port })).toBe("hello");
  const [first, second] = [await server.target(0), await server.target(1)];
  expect(await requestOnce({ ...first, host: "::1" })).toMatchObject({ outcome: "refused" });
  expect(await requestOnce({ ...second, host: "127.0.0.1" })).toMatchObject({ outcome: "refused" });

  expect((await stat(project.path("app.sock"))).mode & 0o777).toBe(0o640);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(existsSync(project.path("app.sock"))).toBe(false);
  for (const target of [first, second]) expect(await requestOnce(target)).toMatchObject({ outcome: "refused" });
});

test("an abstract name is served where Node can, and refused with the reason where it cannot", async () => {
  const project = await helloProject();
  const address = `unix:@tsgate-test-${process.pid}`;
  if (!hasAbstractNames) {
    const failed = await failedStart(project, ["app.mjs"], { places: ["--bind", address] });
    expect(failed).toMatchObject({ code: 2, stack: "" });
    expect(failed.sentence).toMatch(
      /^--bind: unix:@tsgate-test-\d+: abstract names (need Node 22 or later, and this is NODE|exist on Linux only); give unix: and a path$/,
    );
    return;
  }
  const server = startTsgate(["--workers", "2", "--bind", address, "app.mjs"], { cwd: project.dir });
  expect(await server.address()).toBe(address);
  expect(await ask(await server.target())).toBe("hello");
  expect((await server.stop()).code).toBe(0);
});

test("a TCP socket handed over as a descriptor is served, before and after a reload", async () => {
  const project = await helloProject();
  const server = startHandedOver(project, 7, "");
  await server.waitForReady(1);
  const port = Number(server.stdout);
  expect(await server.address()).toBe(`127.0.0.1:${port}`);
  const target = { host: "127.0.0.1", port };
  expect(await ask(target)).toBe("hello");
  await project.write("app.mjs", "export default (request, response) => response.end('again');\n");
  server.signal("SIGHUP");
  await server.waitForRecord("reload done");
  expect(await ask(target)).toBe("again");
  expect((await server.stop()).code).toBe(0);
  expect(await requestOnce(target)).toMatchObject({ outcome: "refused" });
});

test("a unix socket handed over as a descriptor is served, and its path left to whoever bound it", async () => {
  const project = await helloProject();
  const path = project.path("outer.sock");
  const server = startHandedOver(project, 9, path);
  await server.waitForReady(1);
  expect(await server.target().catch(() => ({ path }))).toEqual({ path });
  expect(await ask({ path })).toBe("hello");
  expect((await server.stop()).code).toBe(0);
  expect(existsSync(path)).toBe(true);
});

test("$PORT and $WEB_CONCURRENCY say where and how many when nobody else does", async () => {
  const project = await helloProject();
  const server = startTsgate(["app.mjs"], { cwd: project.dir, env: { PORT: "0", WEB_CONCURRENCY: "3" } });
  expect(await server.waitForRecord("server starting")).toMatchObject({
    workers: 3,
    workersReason: "$WEB_CONCURRENCY",
  });
  await server.waitForReady(3);
  expect(await server.address()).toMatch(/^\[::\]:[1-9]\d*$/);
  expect(await ask(await server.target())).toBe("hello");
  expect((await server.stop()).code).toBe(0);
});

function helloProject(): Promise<TempProject> {
  return tempProject({ "app.mjs": "export default (request, response) => response.end('hello');\n" });
}

/** A server whose only socket is its descriptor `fd`. */
function startHandedOver(project: TempProject, fd: number, path: string): Tsgate {
  return startTsgate(["--workers", "2", "--bind", `fd://${fd}`, "--linger", "100ms", "app.mjs"], {
    cwd: project.dir,
    wrapper: [process.execPath, HAND_OVER, String(fd), path],
  });
}
