/**
 * The applications of a worker as the one that the engine calls: files first, then whose mount it is. What the engine
 * does not know of a request, its application and its place, is told to whoever counts.
 */

import { type Application, atMount, MountTable } from "../gateway/index.ts";
import type { HttpExchange } from "../http/exchange.ts";
import { ROOT } from "../mount-point.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import type { Applications } from "./applications.ts";
import type { LoadedApplication } from "./load-application.ts";
import { NOBODY } from "./nobody.ts";
import { filesBefore } from "./static-files.ts";

interface CallOptions {
  readonly requests: RequestWatch;
  /** Whose call is being made. */
  readonly current: () => HttpExchange | undefined;
  /** Told which of several applications answers. */
  readonly chosen: ((exchange: HttpExchange, mount: string) => void) | undefined;
}

/** Puts the applications, all of them with an environ, behind one. */
export function engineApplication({ all, files }: Applications, options: CallOptions): Application {
  const served = all.map(({ mount, value }) => ({ mount, value: atMount(mount, gatewayOf(value)) }));
  const [only] = served;
  const isAlone = served.length === 1 && only?.mount.text === ROOT.text;
  const application = isAlone ? only.value : choosing(new MountTable(served), options);
  return options.requests.application(filesBefore(files, application), options.current);
}

function gatewayOf(app: LoadedApplication): Application {
  if (app.interface === "node" || app.interface === "server") throw new Error(`kind ${app.interface} has no environ`);
  return app.application;
}

function choosing(table: MountTable<Application>, { current, chosen }: CallOptions): Application {
  return (environ, startResponse) => {
    const found = table.find(environ.REQUEST_URI, table.hasHosts ? environ.HTTP_HOST : undefined);
    const exchange = current();
    if (exchange !== undefined) chosen?.(exchange, found?.mount.text ?? ROOT.text);
    return (found?.value ?? NOBODY)(environ, startResponse);
  };
}
