/** A server with a control socket, and `tsgate ctl` against it. */

import { once } from "node:events";
import net from "node:net";
import { onTestFinished } from "vitest";
import { application } from "./applications.ts";
import { tempProject } from "./temp-project.ts";
import type { TempProject } from "./temp-project.ts";
import { runTsgate, startTsgate } from "./tsgate.ts";
import type { StartOptions, Tsgate } from "./tsgate.ts";

export interface Controlled {
  readonly server: Tsgate;
  readonly project: TempProject;
  /** For what is started by other means than `ctl`. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `tsgate ctl`. */
  readonly ctl: (...args: readonly string[]) => ReturnType<typeof runTsgate>;
}

export interface ControlledOptions extends StartOptions {
  /** In its place. */
  readonly app?: string;
  readonly workers?: number;
  /** What else is in the project. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Two workers, unless `args` say otherwise, of an application that answers with "one". */
export async function startControlled(
  args: readonly string[] = [],
  { app = "app.mjs", workers = 2, files = {}, ...options }: ControlledOptions = {},
): Promise<Controlled> {
  const project = await tempProject({ "app.mjs": application("node", "one"), ...files });
  const own = ["--workers", String(workers), "--bind", "127.0.0.1:0", "--linger", "100ms"];
  const server = startTsgate([...own, "--control-socket", "ctl.sock", ...args, app], { ...options, cwd: project.dir });
  await server.waitForReady(workers);
  const env = { TSGATE_CONTROL_SOCKET: project.path("ctl.sock") };
  return { server, project, env, ctl: async (...words) => runTsgate(["ctl", ...words], { env }) };
}

/** A client of its own making. */
export async function connectTo(project: TempProject): Promise<net.Socket> {
  const socket = net.connect({ path: project.path("ctl.sock") }).setEncoding("utf8");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The next line that comes, which comes in one piece. */
export async function nextLine(socket: net.Socket): Promise<unknown> {
  const [text] = (await once(socket, "data")) as [string];
  return JSON.parse(text.split("\n")[0] ?? "");
}
