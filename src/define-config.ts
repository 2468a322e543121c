/** The configuration file's type, for editors: what each key may hold before it is parsed. */

import type { Hooks, InterfaceName, LogFormat, LogLevel, ProxyProtocol, TransportName } from "./config/types.ts";

/** Seconds as a number, or a text with a unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`. */
export type Duration = number | string;

/** What a configuration file may export: settings under their camelCase keys, the application, and hooks. */
export interface ConfigInput extends Hooks {
  app?: string;
  appArgs?: string[];
  bind?: string | number | readonly (string | number)[];
  backlog?: number;
  workers?: number;
  interface?: InterfaceName;
  factory?: boolean;
  /** `"/api=api.js"`, or an object of applications by prefix. */
  mount?: string | readonly string[] | Readonly<Record<string, string>>;
  /** `"/assets=public"`, or an object of directories by prefix. */
  static?: string | readonly string[] | Readonly<Record<string, string>>;
  listenMatch?: number;
  nativeFetch?: boolean;
  transport?: TransportName;
  validate?: boolean;
  preload?: boolean;
  waitReady?: boolean;
  timeout?: Duration;
  bootTimeout?: Duration;
  gracefulTimeout?: Duration;
  linger?: Duration;
  shutdownDelay?: Duration;
  /** Extra workers during a reload: a number, or a share such as `"25%"`. */
  surge?: number | string;
  giveUp?: Duration;
  keepAlive?: Duration;
  forwardedAllowIps?: string | readonly string[];
  python?: string;
  pythonThreads?: number;
  pythonpath?: string | readonly string[];
  proxyProtocol?: ProxyProtocol;
  proxyAllowFrom?: string | readonly string[];
  chdir?: string;
  env?: Record<string, string>;
  envFile?: string;
  pid?: string;
  name?: string;
  nodeArg?: string | readonly string[];
  import?: string | readonly string[];
  logLevel?: LogLevel;
  logFormat?: LogFormat;
  logFile?: string;
  adminBind?: string | number | readonly (string | number)[];
  adminTokenFile?: string;
  minReady?: number;
}

/** Returns `config` as it is; gives a configuration file its type. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
