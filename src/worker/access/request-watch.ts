/**
 * What a worker does with each request beside serving it, as its order says: it names it, and writes it down. A worker
 * that is to do neither has nobody who observes.
 */

import type { RequestListener } from "node:http";
import { parseAccessFormat } from "../../config/access-format.ts";
import type { Application } from "../../gateway/index.ts";
import type { AccessLogOrder, BootOrder } from "../../messages.ts";
import { AccessLog } from "../../observe/access-log.ts";
import { compileFormat } from "../../observe/access-log-format.ts";
import { log } from "../channel.ts";
import type { Connections } from "../connections.ts";
import type { RequestObserver } from "../request-observer.ts";
import { rememberEnvirons } from "./entry-environ.ts";
import { NamingObserver } from "./naming-observer.ts";
import { RequestLog } from "./request-log.ts";

export class RequestWatch {
  /** Undefined where there is nothing to do. */
  readonly observer: RequestObserver | undefined;
  readonly #wantsEnvirons: boolean;
  #lines: AccessLog | undefined;

  constructor(
    { accessLog, givesRequestIds }: Pick<BootOrder, "accessLog" | "givesRequestIds">,
    connections: Pick<Connections, "endAll">,
  ) {
    this.#wantsEnvirons = accessLog !== undefined && asksForEnviron(accessLog.format);
    const requests = accessLog === undefined ? undefined : this.#openLog(accessLog, connections);
    this.observer = givesRequestIds ? new NamingObserver(requests) : requests;
  }

  /** The listener that `serve` makes of an application with an environ, which the access log may have to know. */
  listener(application: Application, serve: (application: Application) => RequestListener): RequestListener {
    return this.#wantsEnvirons ? rememberEnvirons(application, serve) : serve(application);
  }

  /** Requests will come: not before that is a file made. Again and again to no effect. */
  open(): void {
    this.#lines?.open();
  }

  /** Resolves when nothing is written to the old file any more. */
  async reopen(): Promise<void> {
    await this.#lines?.reopen();
  }

  /** Resolves when every line is written, which may be never. */
  async written(): Promise<void> {
    await this.#lines?.written();
  }

  #openLog({ place, format }: AccessLogOrder, connections: Pick<Connections, "endAll">): RequestLog {
    const file = "file" in place ? place.file : "-";
    const lines = new AccessLog(place, {
      failed: (problem) => log("warn", "access log failed", { file, error: problem }),
      recovered: (dropped) => log("warn", "access log recovered", { file, dropped }),
      lost: (dropped) => log("warn", "access log lines lost", { file, dropped }),
    });
    const requests = new RequestLog(compileFormat(format, process.pid), (line) => lines.add(line));
    // However it ends, short of a kill: what is in flight has come, and what was gathered is not written yet.
    process.on("exit", () => {
      connections.endAll();
      requests.endUpgrades();
      lines.writeRest();
    });
    this.#lines = lines;
    return requests;
  }
}

function asksForEnviron(format: string): boolean {
  const parts = parseAccessFormat(format);
  return parts !== "json" && parts.some((part) => "named" in part && part.named === "e");
}
