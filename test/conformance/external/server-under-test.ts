/** A server that somebody else wrote, run by the command that was given: started, waited for, and ended with all it started. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/free-port.ts";
import { RemoteApplication } from "./remote-application.ts";

export class ServerUnderTest {
  readonly port: number;
  readonly application: RemoteApplication;
  /** All that it has written on standard output and standard error. */
  output = "";
  private readonly child: ChildProcess;
  private readonly processes: number;
  private hasEnded = false;

  private constructor(child: ChildProcess, port: number, application: RemoteApplication, processes: number) {
    this.child = child;
    this.processes = processes;
    this.port = port;
    this.application = application;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    child.once("exit", () => {
      this.hasEnded = true;
    });
  }

  /**
   * Resolves when the server accepts and as many `processes` have loaded the module. Rejects, with what it wrote, when they do
   * not.
   */
  static async start(command: string, modulePath: string, processes = 1): Promise<ServerUnderTest> {
    const [port, application] = [await freePort(), await RemoteApplication.listen()];
    const env = {
      ...process.env,
      GATEWAY_APPLICATION: modulePath,
      GATEWAY_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      GATEWAY_SUITE: application.address,
    };
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn(command, { shell: true, detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
    const server = new ServerUnderTest(child, port, application, processes);
    try {
      await server.whenReady();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** False when it has ended, or a process that had loaded the module has. */
  get isServing(): boolean {
    return !this.hasEnded && this.application.size >= this.processes;
  }

  /** Sends the command's process a SIGHUP; resolves when other processes serve the module, and they alone. */
  async reload(signal: AbortSignal): Promise<void> {
    const replaced = this.application.replaced(signal);
    this.child.kill("SIGHUP");
    await replaced;
  }

  async stop(): Promise<void> {
    this.application.close();
    const { pid } = this.child;
    if (pid === undefined) return;
    const exited = this.hasEnded ? undefined : once(this.child, "exit");
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing is left of it.
    }
    await exited;
  }

  private async whenReady(): Promise<void> {
    const deadline = performance.now() + START_MS;
    while (!(this.isServing && (await accepts(this.port)))) {
      const problem = this.hasEnded ? "the server ended" : "the server did not come up";
      if (this.hasEnded || performance.now() > deadline) throw new Error(`${problem}\n${this.output}`);
      await sleep(20);
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const START_MS = 30_000;
