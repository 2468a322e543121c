/** Under an init, as with `docker run --init`: the master is not process 1, and orphans are reaped for it. */

import { describe, expect, test } from "vitest";
import { describeWithPeers } from "../support/peers.ts";
import { namespaceProblem, ORPHANING, processOne, startAsProcessOne, zombiesOf } from "../support/process-one.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { TSGATE } from "../support/tsgate.ts";

describeWithPeers("under tini", [{ command: "tini", debianPackage: "tini" }], () => {
  // No package brings the right to make namespaces.
  describe.skipIf(namespaceProblem !== undefined)(`as process 1 (${namespaceProblem ?? "possible here"})`, () => {
    test.each([
      { started: "the command", command: [TSGATE] },
      { started: "node", command: [process.execPath, "--", TSGATE] },
    ])("$started stops as it is told to, and its orphans are reaped", async ({ command }) => {
      const project = await tempProject({ "app.mjs": ORPHANING });
      const server = startAsProcessOne(["--workers", "1", "--bind", "127.0.0.1:0", "app.mjs"], {
        cwd: project.dir,
        command: ["tini", "--", ...command],
      });
      await server.waitForReady(1);
      expect((await requestOnce(await server.target(), { path: "/orphan" })).outcome).toBe("ok");
      await expect.poll(() => zombiesOf(server)).toEqual([]);
      process.kill(await processOne(server), "SIGTERM");
      await server.waitForRecord({ msg: "server stopping", kind: "graceful" });
      expect(await server.exited).toEqual({ code: 0, signal: null });
    });
  });
});
