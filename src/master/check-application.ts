/** `--check-config`: loads the application in a process of its own, as a worker would, and says what it is. */

import { settingMisfit } from "../config/kind-check.ts";
import { usageError } from "../errors.ts";
import type { ApplicationInfo, Report } from "../messages.ts";
import { bootOrder, forkOptions } from "./boot-order.ts";
import { bootFailure, haltError } from "./failure-report.ts";
import type { BootFailure, BootProgress } from "./model.ts";
import type { Release } from "./release.ts";
import { WorkerProcess } from "./worker-process.ts";

/**
 * Loads and recognises the application; starts nothing of it.
 * @throws TsgateError exit 4 with the cause when it does not load within the boot timeout, or is not one; exit 2 when a
 *   setting cannot act on its kind
 */
export async function checkApplication(release: Release): Promise<readonly ApplicationInfo[]> {
  const { bootTimeout, workers } = release.configuration.settings;
  return new Promise((resolve, reject) => {
    let infos: readonly ApplicationInfo[] | undefined;
    let failure: BootFailure | undefined;
    let lacks: string | undefined;
    let loading: string | undefined;
    let progress: BootProgress = "forked";
    let isLate = false;
    const worker = { slot: 0, id: 1, generation: 1, pid: process.pid };
    // What it writes meanwhile is for whoever looks on.
    const child = new WorkerProcess({ ...forkOptions(release, workers), capturesOutput: false }).attach({
      wrote: () => {},
      reported: (_id: number, report: Report) => {
        if (report.tsgate === "hello") {
          progress = "greeted";
          child.send({ tsgate: "check", order: bootOrder(release, worker, []) });
        } else if (report.tsgate === "idle") child.send({ tsgate: "all-answered" });
        else if (report.tsgate === "waiting") lacks = report.lacks;
        else if (report.tsgate === "loading") loading = report.application;
        else if (report.tsgate === "application-loaded") infos = report.infos;
        else if (report.tsgate === "boot-failed") failure = bootFailure(report);
      },
      // It leaves by itself, as an orphan.
      disconnected: () => {},
      exited: (_id, code, signal) => {
        clearTimeout(timer);
        const cause = isLate ? "boot timeout" : "crashed";
        const lastState = { name: "booting", progress, listenAt: 0, deadline: 0 } as const;
        if (infos === undefined)
          return reject(haltError({ cause, lastState, failure, loading, lacks }, code, signal, release));
        const kinds = infos.map((info) => info.interface);
        const misfit = settingMisfit(release.configuration, kinds);
        if (misfit === undefined) resolve(infos);
        else reject(usageError(misfit));
      },
    });
    const timer = setTimeout(
      () => {
        isLate = true;
        child.kill();
      },
      bootTimeout === 0 ? 2 ** 31 - 1 : bootTimeout,
    );
  });
}
