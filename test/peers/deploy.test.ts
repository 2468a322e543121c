/** What docs/deploy/ offers, in the hands of those it is for: Prometheus, its checker, and logrotate. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ADMIN, adminTarget } from "../support/admin.ts";
import { describeWithPeers } from "../support/peers.ts";
import { PROMETHEUS, PROMTOOL, startPrometheus } from "../support/prometheus.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DEPLOY = path.join(ROOT, "docs/deploy");
const LOGROTATE = { command: "logrotate", debianPackage: "logrotate" };
const soon = { timeout: 15_000, interval: 20 } as const;
const run = promisify(execFile);

const APP = "export default (request, response) => response.end();\n";

interface Dashboard {
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

describeWithPeers("Prometheus takes the alerts", [PROMTOOL], () => {
  test("and finds nothing to complain of in them and in the snippet that loads them", async () => {
    await run(PROMTOOL.command, ["check", "rules", path.join(DEPLOY, "prometheus-alerts.yml")]);
    await run(PROMTOOL.command, ["check", "config", path.join(DEPLOY, "prometheus.yml")]);
  });

  test("which come when they should, say what they should, and go", async () => {
    await run(PROMTOOL.command, ["test", "rules", path.join(ROOT, "test/peers/prometheus-alerts.yml")]);
  });
});

describeWithPeers("the dashboard", [PROMETHEUS], () => {
  test("finds something for each of its queries in a Prometheus that scrapes a server", async () => {
    const project = await tempProject({ "app.mjs": APP });
    const own = ["--workers", "2", "--bind", "127.0.0.1:0", "--linger", "100ms", ...ADMIN];
    const server = startTsgate([...own, "app.mjs"], { cwd: project.dir });
    await server.waitForReady(2);
    const admin = await adminTarget(server);
    const prometheus = await startPrometheus(project, "port" in admin ? admin.port : 0);
    await prometheus.until("tsgate_workers", (found) => found.length > 0);
    // What happens after the first scrape is an increase.
    await requestOnce(await server.target());
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    const { panels, annotations } = JSON.parse(
      readFileSync(path.join(DEPLOY, "grafana-dashboard.json"), "utf8"),
    ) as Dashboard;
    const queries = [...panels.flatMap(({ targets = [] }) => targets), ...annotations.list].map(({ expr }) => expr);
    expect(queries.length).toBeGreaterThan(30);
    for (const query of queries) {
      const asked = query.replaceAll("$__rate_interval", "1m").replaceAll(/\$(?:name|instance)/g, ".*");
      expect(asked).not.toContain("$");
      await prometheus.until(asked, (found) => found.length > 0);
    }
  });
});

describeWithPeers("logrotate", [LOGROTATE], () => {
  describe.each(["kill -USR1", "tsgate ctl"])("with %s", (way) => {
    test("moves both logs away, and no line is lost or written twice", async () => {
      const project = await tempProject({ "app.mjs": APP });
      await project.write("logrotate", snippetFor(project, way));
      const files = ["--log-file", "server.log", "--access-logfile", "access.log", "--access-logformat", "%(r)s"];
      const own = ["--bind", "unix:app.sock", "--workers", "2", "--pid", "app.pid", "--control-socket", "tsgate.sock"];
      const server = startTsgate([...own, ...files, "app.mjs"], { cwd: project.dir });
      await expect.poll(() => textOf(project, "server.log"), soon).toContain('"ready":2');
      const target = { path: project.path("app.sock") };
      const client = { asked: 0, isStopping: false };
      const ask = async (): Promise<void> => {
        while (!client.isStopping)
          expect(await requestOnce(target, { path: `/${++client.asked}` })).toMatchObject({ outcome: "ok" });
      };
      const clients = Promise.all([ask(), ask()]);
      await expect.poll(() => textOf(project, "access.log"), soon).toContain("GET /50 ");
      await run("/usr/sbin/logrotate", ["--force", "--state", project.path("state"), project.path("logrotate")]);
      await expect.poll(() => textOf(project, "server.log"), soon).toContain('"logs reopened"');
      const old = textOf(project, "access.log.1");
      const before = client.asked;
      await expect.poll(() => client.asked, soon).toBeGreaterThan(before + 50);
      client.isStopping = true;
      await clients;
      expect(await server.stop()).toEqual({ code: 0, signal: null });
      expect(textOf(project, "access.log.1")).toBe(old);
      const lines = `${old}${textOf(project, "access.log")}`.split("\n").slice(0, -1);
      const expected = Array.from({ length: client.asked }, (_, index) => `GET /${index + 1} HTTP/1.1`);
      expect(lines.toSorted()).toEqual(expected.toSorted());
      expect(textOf(project, "server.log.1")).toContain('"server starting"');
    });
  });
});

/** The snippet for logs, pidfile and control socket in `project`; with ctl what its comment says instead of the signal. */
function snippetFor(project: TempProject, way: string): string {
  const text = readFileSync(path.join(DEPLOY, "logrotate"), "utf8");
  const [, words = ""] = /# The same as: tsgate (.*)/.exec(text) ?? [];
  const command = `${process.execPath} -- ${ROOT}bin/tsgate.js ${words}`;
  const chosen = way === "tsgate ctl" ? text.replace(/^ *test ! -e .*$/m, command) : text;
  return chosen.replaceAll(/\/var\/log\/app|\/run\/app/g, project.dir);
}

function textOf(project: TempProject, name: string): string {
  return existsSync(project.path(name)) ? readFileSync(project.path(name), "utf8") : "";
}
