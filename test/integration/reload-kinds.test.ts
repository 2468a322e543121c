/** A reload under traffic, for each kind of application, over TCP and unix sockets: no request is lost. */

import { describe, expect, test } from "vitest";
import { application } from "../support/applications.ts";
import type { ApplicationKind } from "../support/applications.ts";
import { LINGER_MS, expectNeverFewerNorTooMany, reload, startServer, versionServedBy } from "../support/reloading.ts";
import { assertNothingLost, startTraffic } from "../support/traffic.ts";

const POST_16_KIB = { method: "POST", bodyBytes: 16_384 };

const SERVED: readonly (readonly [kind: ApplicationKind, over: string, bind: string])[] = [
  ["gateway", "TCP", "127.0.0.1:0"],
  ["express", "TCP", "127.0.0.1:0"],
  ["gateway", "a unix socket", "unix:app.sock"],
  ["fetch", "TCP", "127.0.0.1:0"],
  ["server", "TCP", "127.0.0.1:0"],
  ["server", "a unix socket", "unix:app.sock"],
];

describe("a reload under traffic", () => {
  test.each(SERVED)("loses no request of an application of the kind %s over %s", async (kind, _, bind) => {
    const { server, project } = await startServer(application(kind, "one"), ["--bind", bind]);
    const target = await server.target();
    const traffic = await startTraffic({ target, lingerMs: LINGER_MS, requests: [{}, {}, POST_16_KIB] });
    const requests = [{ path: "/stream?2000" }];
    const streams = await startTraffic({ target, lingerMs: LINGER_MS, keepAlive: 4, fresh: 2, idle: 0, requests });
    await traffic.until(({ outcomes }) => outcomes.ok > 300);
    await project.write("app.mjs", application(kind, "two"));
    const { ok } = (await traffic.snapshot()).outcomes;
    await reload(server, 2);
    await traffic.until(({ outcomes }) => outcomes.ok > ok + 300);
    assertNothingLost(await traffic.stop());
    assertNothingLost(await streams.stop());
    expect(await versionServedBy(server)).toBe("two");
    expectNeverFewerNorTooMany(server, 2);
  });
});
