/** Sockets handed over by systemd: systemd-socket-activate binds, waits for the first client and becomes tsgate. */

import path from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { describeWithPeers } from "../support/peers.ts";
import { MARK } from "../support/process-tree.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import type { Target } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import type { Tsgate } from "../support/tsgate.ts";

const SYSTEMD = { command: "systemd-socket-activate", debianPackage: "systemd" };

describeWithPeers("sockets handed over by systemd", [SYSTEMD], () => {
  test("the client that woke the server is answered, and so is the next after a reload", async () => {
    const project = await helloProject();
    const port = await freePort();
    const server = await activate(project, [`127.0.0.1:${port}`]);
    const target = { host: "127.0.0.1", port };
    expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
    expect(await server.address()).toBe(`127.0.0.1:${port}`);
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    expect(await requestOnce(target)).toMatchObject({ outcome: "ok" });
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(await requestOnce(target)).toMatchObject({ outcome: "refused" });
  });

  test("several sockets are all served, TCP and unix", async () => {
    const project = await helloProject();
    const port = await freePort();
    const socket = project.path("app.sock");
    const server = await activate(project, [`127.0.0.1:${port}`, socket]);
    const targets: readonly Target[] = [{ host: "127.0.0.1", port }, { path: socket }];
    const exchanges = await Promise.all(targets.map((target) => requestOnce(target)));
    expect(exchanges.map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
    expect((await server.stop()).code).toBe(0);
  });
});

/** Starts tsgate behind systemd-socket-activate and waits until that listens. */
async function activate(project: TempProject, addresses: readonly string[]): Promise<Tsgate> {
  const listen = addresses.flatMap((address) => ["-l", address]);
  const server = startTsgate(["--workers", "2", path.join(project.dir, "app.mjs")], {
    cwd: project.dir,
    wrapper: [SYSTEMD.command, ...listen, "-E", MARK],
  });
  await server.waitForOutput(new RegExp(`Listening on .*\\b${addresses.at(-1)?.split(/[:/]/).at(-1)}\\b`));
  return server;
}

function helloProject(): Promise<TempProject> {
  return tempProject({ "app.mjs": "export default (request, response) => response.end('hello\\n');\n" });
}
