/** What a worker is told when it says hello, and how its process is forked: both follow from its generation's release. */

import path from "node:path";
import { showsRequestId } from "../config/access-format.ts";
import { headArgs } from "../config/head-size.ts";
import { heapArgs, type HeapFacts } from "../config/heap-limit.ts";
import { type Configuration, type Settings, type WorkerInfo, WORKER_HOOKS } from "../config/types.ts";
import type { AccessLogOrder, ApplicationOrder, BootOrder, ClientOrder, ProxyOrder } from "../boot-order.ts";
import { ROOT } from "../mount-point.ts";
import type { Listener } from "./listeners.ts";
import type { WorkerLimits } from "./model.ts";
import type { Release } from "./release.ts";
import { heartbeatMs } from "./watchdog.ts";
import { type ForkOptions, SERVER_STDOUT } from "./worker-process.ts";

/** An application that imports for so long is named. */
const LATE_MS = 5000;

/** @param maxRequests after how many it beats at once; 0 for never */
export function bootOrder(
  release: Release,
  worker: WorkerInfo,
  listeners: readonly Listener[],
  maxRequests = 0,
): BootOrder {
  const { configuration } = release;
  const { settings, hooks, origins } = configuration;
  return {
    worker: workerInfo(worker),
    applications: applicationOrders(release),
    staticFolders: release.staticFolders,
    appArgs: configuration.appArgs,
    listenMatch: settings.listenMatch,
    nativeFetch: settings.nativeFetch,
    transport: settings.transport,
    validate: settings.validate,
    python: {
      executable: settings.python,
      threads: settings.pythonThreads,
      path: settings.pythonpath,
      timeoutMs: settings.timeout,
      lateMs: settings.bootTimeout === 0 ? LATE_MS : Math.min(LATE_MS, settings.bootTimeout / 2),
    },
    waitReady: settings.waitReady,
    keepAliveMs: settings.keepAlive,
    isKeepAliveGiven: origins.keepAlive !== "default",
    clients: clientOrder(configuration),
    lingerMs: settings.linger,
    gracefulTimeoutMs: settings.gracefulTimeout,
    heartbeatMs: heartbeatMs(settings.timeout),
    maxRequests,
    measures: isObserved(settings),
    backlog: settings.backlog,
    workerConnections: settings.workerConnections,
    multiprocess: settings.workers > 1,
    forwardedAllowIps: settings.forwardedAllowIps,
    proxy: proxyOrder(settings),
    refusesUnderscores: settings.headerMap === "refuse",
    processTitle: processTitle(settings, `worker ${worker.slot}`),
    accessLog: accessLogOrder(settings),
    givesRequestIds: givesRequestIds(settings),
    isOutputCaptured: settings.captureOutput,
    hooksFile: WORKER_HOOKS.some((name) => hooks[name] !== undefined) ? configuration.configFile : undefined,
    tcpAddress: listeners.find(({ tcp }) => tcp !== undefined)?.tcp,
  };
}

function applicationOrders({ applications, configuration: { settings } }: Release): readonly ApplicationOrder[] {
  return applications.map((placed) =>
    placed.mount === ROOT
      ? { ...placed, interface: settings.interface, factory: settings.factory }
      : { ...placed, interface: "auto", factory: false },
  );
}

function clientOrder({ settings, origins }: Configuration): ClientOrder {
  return {
    headersTimeoutMs: settings.headersTimeout,
    bodyTimeoutMs: settings.bodyTimeout,
    sendTimeoutMs: settings.sendTimeout,
    responseTimeoutMs: settings.responseTimeout,
    limitConcurrency: settings.limitConcurrency,
    sizes: {
      requestLine: settings.limitRequestLine,
      requestFields: settings.limitRequestFields,
      requestFieldSize: settings.limitRequestFieldSize,
      requestBody: settings.limitRequestBody,
    },
    isHeadersTimeoutGiven: origins.headersTimeout !== "default",
    isBodyTimeoutGiven: origins.bodyTimeout !== "default",
  };
}

function proxyOrder({ proxyProtocol, proxyAllowFrom }: Settings): ProxyOrder | undefined {
  return proxyProtocol === "off" ? undefined : { version: proxyProtocol, allowFrom: proxyAllowFrom };
}

function accessLogOrder({ accessLogfile, accessLogformat, captureOutput }: Settings): AccessLogOrder | undefined {
  if (accessLogfile === undefined) return undefined;
  const stdout = captureOutput ? SERVER_STDOUT : 1;
  const place = accessLogfile === "-" ? { fd: stdout } : { file: accessLogfile };
  return { place, format: accessLogformat };
}

function givesRequestIds({ requestId, accessLogfile, accessLogformat }: Settings): boolean {
  if (requestId !== "auto") return requestId === "on";
  return accessLogfile !== undefined && showsRequestId(accessLogformat);
}

/** Whether anybody can ask what the workers do: nothing is counted otherwise. */
export function isObserved(settings: Settings): boolean {
  return settings.adminBind.length > 0 || settings.controlSocket !== undefined;
}

/** A worker as the user's hooks see it, without what the pool knows of it beyond that. */
export function workerInfo({ slot, id, generation, pid }: WorkerInfo): WorkerInfo {
  return { slot, id, generation, pid };
}

/** @param workers how many there are to be, each with its share of the memory */
export function forkOptions(release: Release, workers: number): ForkOptions {
  const { settings, workerEnv } = release.configuration;
  return {
    entry: path.join(import.meta.dirname, "worker.cjs"),
    nodeArgs: [
      ...heapArgs(heapFacts(release.configuration, workers)),
      ...headArgs(settings.nodeArg, nodeOptionsOf(release.configuration)),
      ...settings.nodeArg,
      ...settings.import.flatMap((specifier) => ["--import", specifier]),
    ],
    env: workerEnv,
    cwd: release.directory,
    capturesOutput: settings.captureOutput,
  };
}

/** What the heap limit of a worker follows from. */
export function heapFacts({ settings, memoryLimit, workerEnv }: Configuration, workers: number): HeapFacts {
  return { memoryLimit, workers, nodeArgs: settings.nodeArg, nodeOptions: nodeOptionsOf({ workerEnv }) };
}

function nodeOptionsOf({ workerEnv }: Pick<Configuration, "workerEnv">): string | undefined {
  return workerEnv["NODE_OPTIONS"] ?? process.env["NODE_OPTIONS"];
}

/** What a worker of this release is judged by. */
export function workerLimits(settings: Settings): WorkerLimits {
  return {
    bootTimeoutMs: settings.bootTimeout,
    heartbeatTimeoutMs: settings.timeout,
    gracefulTimeoutMs: settings.gracefulTimeout,
  };
}

/** `tsgate: worker 0`, with the server's name behind it when it has one of its own. */
export function processTitle(settings: Settings, role: string): string {
  return settings.name === "tsgate" ? `tsgate: ${role}` : `tsgate: ${role} [${settings.name}]`;
}
