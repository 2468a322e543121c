/**
 * Which application answers a request of `node:http`, and how each kind of application is called there. An error that
 * an application throws or rejects with is that request's alone.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AddressList } from "../address-list.ts";
import { atMount, type Mounted, MountTable, type NodeListenerOptions, toNodeListener } from "../gateway/index.ts";
import { type MountPoint, ROOT } from "../mount-point.ts";
import { REQUEST_ID_HEADER } from "../request-id.ts";
import type { RequestWatch } from "./access/request-watch.ts";
import { logApplicationError, nameOf } from "./application-error-log.ts";
import type { Applications } from "./applications.ts";
import type { LoadedApplication, ServerApplication, UpgradeListener } from "./load-application.ts";
import { belowMount, mountedFor } from "./mounted-listeners.ts";
import { NOBODY } from "./nobody.ts";
import { upgradableBy } from "./upgradable-request.ts";
import { upgradeListener } from "./upgrade-listener.ts";

export interface Dispatcher {
  readonly request: RequestListener;
  /** Undefined where no application takes upgrades. */
  readonly upgrade: UpgradeListener | undefined;
  /**
   * Whether `100 Continue` is the business of the request's application, which asks for it by reading; undefined where
   * that is so of none.
   */
  readonly continuesByReading: ((request: IncomingMessage) => boolean) | undefined;
  /** The class of requests that knows who takes upgrades, where not all do. */
  readonly IncomingMessage: typeof IncomingMessage | undefined;
}

export interface DispatchOptions {
  readonly multiprocess: boolean;
  /** Whose forwarding headers are believed. */
  readonly trustedPeers: AddressList;
  readonly refusesUnderscores: boolean;
  readonly requests: RequestWatch;
  /** Told which of several applications answers. */
  readonly chosen: ((response: ServerResponse, mount: string) => void) | undefined;
}

/** Puts the applications behind one listener; a request that is no application's is answered 404. */
export function createDispatcher({ all }: Applications, options: DispatchOptions): Dispatcher {
  const served = all.map((mounted) => serve(mounted, options));
  const [only] = served;
  const isAlone = served.length === 1 && only?.mount.text === ROOT.text;
  return isAlone ? { ...only, IncomingMessage: undefined } : choosing(served, options);
}

/** An application, ready to be called. */
interface Served {
  readonly mount: MountPoint;
  readonly request: RequestListener;
  readonly upgrade: UpgradeListener | undefined;
  readonly continuesByReading: (() => boolean) | undefined;
}

function serve({ mount, value }: Mounted<LoadedApplication>, options: DispatchOptions): Served {
  const app = value as Exclude<LoadedApplication, ServerApplication>;
  return {
    mount,
    request: requestListener(mount, app, options),
    upgrade: upgradeListener(mount, app),
    continuesByReading: app.interface === "node" ? undefined : () => true,
  };
}

function requestListener(
  mount: MountPoint,
  app: Exclude<LoadedApplication, ServerApplication>,
  { multiprocess, trustedPeers, refusesUnderscores, requests }: DispatchOptions,
): RequestListener {
  if (app.interface === "node") return belowMount(mount, guarded(app.listener));
  const options: NodeListenerOptions = { multiprocess, onError: logApplicationError, trustedPeers, refusesUnderscores };
  return requests.listener(atMount(mount, app.application), (application) => toNodeListener(application, options));
}

function choosing(served: readonly Served[], options: DispatchOptions): Dispatcher {
  const nobody: Served = { ...serve(NO_APPLICATION, options), mount: ROOT };
  const table = new MountTable(served.map((one) => ({ mount: one.mount, value: one })));
  const choose = (request: IncomingMessage): Served => mountedFor(request, table, options.trustedPeers) ?? nobody;
  const takesUpgrades = served.some(({ upgrade }) => upgrade !== undefined);
  return {
    request(request, response) {
      const chosen = choose(request);
      options.chosen?.(response, chosen.mount.text);
      chosen.request(request, response);
    },
    upgrade: takesUpgrades ? (request, socket, head) => choose(request).upgrade?.(request, socket, head) : undefined,
    continuesByReading: (request) => choose(request).continuesByReading !== undefined,
    IncomingMessage: takesUpgrades ? upgradableBy((request) => choose(request).upgrade !== undefined) : undefined,
  };
}

/** What answers where nothing is mounted. */
const NO_APPLICATION: Mounted<LoadedApplication> = {
  mount: ROOT,
  value: {
    interface: "gateway",
    application: NOBODY,
    upgrade: undefined,
    found: "nothing",
    lifecycle: {},
  },
};

/** Answers 500, or cuts a reply that has begun, where the application throws or rejects. */
function guarded(listener: RequestListener): RequestListener {
  return (request, response) => {
    try {
      const outcome: unknown = listener(request, response);
      if (typeof outcome !== "object" || outcome === null) return;
      const refuse = (result: unknown): void => {
        if (isResponse(result) && !response.headersSent)
          failRequest(new TypeError(RETURNS_RESPONSE), request, response);
      };
      if (outcome instanceof Promise) outcome.then(refuse, (error: unknown) => failRequest(error, request, response));
      else refuse(outcome);
    } catch (error) {
      failRequest(error, request, response);
    }
  };
}

/** What a fetch handler returns; here nobody would send it. */
function isResponse(value: unknown): boolean {
  const { status, arrayBuffer } = (value ?? {}) as Partial<Response>;
  return typeof status === "number" && typeof arrayBuffer === "function";
}

const RETURNS_RESPONSE =
  "the (req, res) function returned a Response, which nobody sends: export { fetch }, or add --interface fetch";

function failRequest(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  logApplicationError(error, nameOf(request));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // But its id, by which it is found in the log.
  for (const name of response.getHeaderNames()) if (name !== REQUEST_ID_HEADER) response.removeHeader(name);
  response.writeHead(500, { "Content-Type": "text/plain" }).end("Internal Server Error\n");
}
