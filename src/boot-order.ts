/** What a worker is told before it boots: what to serve and how, and how to treat its clients. Plain data, of both sides. */

import type { AppReference } from "./app-ref.ts";
import type { InterfaceName, TransportName, WorkerInfo } from "./config/types.ts";
import type { MountPoint } from "./mount-point.ts";
import type { ProxyVersion } from "./proxy-header.ts";

/** What a worker has to know to boot: the answer to its `hello`. */
export interface BootOrder {
  readonly worker: WorkerInfo;
  /** At least one; the one at the root, if there is one, first. */
  readonly applications: readonly ApplicationOrder[];
  /** Files that are served before the applications. */
  readonly staticFolders: readonly StaticOrder[];
  readonly appArgs: readonly string[];
  /** Kind server: the port whose `listen()` gets the sockets; undefined for the first. */
  readonly listenMatch: number | undefined;
  /** Kind fetch: Node's own Request and Response stay. */
  readonly nativeFetch: boolean;
  readonly transport: TransportName;
  /** Kinds gateway, fetch and wsgi: the validator stands before the application. */
  readonly validate: boolean;
  /** Kind wsgi. */
  readonly python: PythonSettings;
  readonly waitReady: boolean;
  readonly keepAliveMs: number;
  /** Somebody asked for it: it counts more than what a program's own server says. */
  readonly isKeepAliveGiven: boolean;
  readonly clients: ClientOrder;
  readonly lingerMs: number;
  readonly gracefulTimeoutMs: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** It beats at once when it has begun so many requests; 0 for never. */
  readonly maxRequests: number;
  /** Somebody wants to know what it does: it counts, and reports `stats`. */
  readonly measures: boolean;
  readonly backlog: number;
  /** Connections that it may hold at once; 0 for any number. */
  readonly workerConnections: number;
  readonly multiprocess: boolean;
  /** Whose forwarding headers are believed, for `AddressList`. */
  readonly forwardedAllowIps: readonly string[];
  /** Every connection begins with a header of its proxy's; undefined where none does. */
  readonly proxy: ProxyOrder | undefined;
  /** Headers whose names hold an underscore are answered with 400, where they would be in an environ. */
  readonly refusesUnderscores: boolean;
  readonly processTitle: string;
  /** Where each request gets its line, and what it says; undefined for nowhere. */
  readonly accessLog: AccessLogOrder | undefined;
  /** Each request is named, by the id that came with it or by a new one. */
  readonly givesRequestIds: boolean;
  /** Its standard output and error go to the master. */
  readonly isOutputCaptured: boolean;
  /** The configuration file, when it holds hooks that run in the worker. */
  readonly hooksFile: string | undefined;
  /** The first TCP address that the server is bound to: what a program's own server tells of itself. */
  readonly tcpAddress: TcpAddress | undefined;
}

/** One of the applications that a worker serves. */
export interface ApplicationOrder {
  readonly mount: MountPoint;
  readonly app: AppReference;
  readonly interface: InterfaceName;
  readonly factory: boolean;
}

/** A folder of files: an absolute path without symbolic links, and the prefix that they are below. */
export interface StaticOrder {
  readonly prefix: string;
  readonly directory: string;
}

/** How the interpreters of a server are run. */
export interface PythonSettings {
  /** A program, or the folder of a virtual environment; undefined for the usual one. */
  readonly executable: string | undefined;
  readonly threads: number;
  readonly path: readonly string[];
  /** How long all threads of one may be silent; 0 for ever. */
  readonly timeoutMs: number;
  /** After so long an application that still imports is named. */
  readonly lateMs: number;
}

/** How a worker treats its clients; durations are milliseconds, 0 is no limit. */
export interface ClientOrder {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly limitConcurrency: number;
  readonly sizes: SizeLimits;
  /** Somebody asked for it: it counts more than what a program's own server says. */
  readonly isHeadersTimeoutGiven: boolean;
  readonly isBodyTimeoutGiven: boolean;
}

/** Who is to say first whose connection it is, and how. */
export interface ProxyOrder {
  readonly version: ProxyVersion;
  /** Who may, for `AddressList`; connections of anybody else are closed. */
  readonly allowFrom: readonly string[];
}

/** How large a request may be, in bytes and in pieces; 0 is no limit. */
export interface SizeLimits {
  readonly requestLine: number;
  readonly requestFields: number;
  readonly requestFieldSize: number;
  readonly requestBody: number;
}

export interface AccessLogOrder {
  /** A path, or the descriptor of the server's standard output. */
  readonly place: { readonly file: string } | { readonly fd: number };
  /** As it was written in the settings. */
  readonly format: string;
}

/** A bound TCP address: textual, without brackets. */
export interface TcpAddress {
  readonly address: string;
  readonly port: number;
}
