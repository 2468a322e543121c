/** `tsgate ctl` on a real terminal, which tmux is: what stands on the screen, and what is left on it afterwards. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { application } from "../support/applications.ts";
import { startControlled } from "../support/ctl.ts";
import type { Controlled } from "../support/ctl.ts";
import { describeWithPeers } from "../support/peers.ts";
import { TSGATE } from "../support/tsgate.ts";

const run = promisify(execFile);

/** A shell in a window of its own. */
class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open({ project, env }: Controlled, variables: Readonly<Record<string, string>> = {}): Promise<Terminal> {
    const terminal = new Terminal(project.path("tmux.sock"));
    const ctl = `alias ctl="'${process.execPath}' -- '${TSGATE}' ctl"`;
    const exports = Object.entries({ ...env, ...variables }).map(([name, value]) => `export ${name}='${value}'`);
    await project.write("shell.rc", [ctl, ...exports, "PS1='$ '", ""].join("\n"));
    const shell = ["env", "-u", "NO_COLOR", `ENV=${project.path("shell.rc")}`, "sh", "-i"];
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", ...shell);
    onTestFinished(async () => void (await terminal.#tmux("kill-server")));
    await terminal.shows(/\$ $/);
    return terminal;
  }

  async type(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.#tmux("send-keys", "Enter");
  }

  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What stands there, without colours unless they are wanted. */
  async screen(...more: readonly string[]): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", ...more)).trimEnd();
  }

  /** Resolves with the screen as soon as it is so. */
  async shows(pattern: RegExp, ...more: readonly string[]): Promise<string> {
    let screen = "";
    const look = async (): Promise<string> =>
      (screen = `${await this.screen(...more)}${pattern.source.endsWith(" $") ? " " : ""}`);
    await expect.poll(look, { timeout: 20_000 }).toMatch(pattern);
    return screen;
  }

  /** Whether the cursor is to be seen, and the other screen. */
  async mode(): Promise<{ readonly cursor: boolean; readonly alternate: boolean }> {
    const text = await this.#tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}");
    const [cursor, alternate] = text.trim().split(" ");
    return { cursor: cursor === "1", alternate: alternate === "1" };
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { TMUX: _outer, ...env } = process.env;
    return (await run("tmux", ["-S", this.#socket, ...args], { env: { ...env, LC_ALL: "C.UTF-8" } })).stdout;
  }
}

describeWithPeers("in a terminal", [{ command: "tmux", debianPackage: "tmux" }], () => {
  test("status --watch is a live table of 80 columns that leaves everything as it was, at Ctrl-C with 0", async () => {
    const controlled = await startControlled();
    const { server, ctl } = controlled;
    const terminal = await Terminal.open(controlled);
    await terminal.type("echo before; ctl status --watch; echo ended with $?");
    const first = await terminal.shows(/^tsgate .*serving.*\n[^]*\n +1 +\d+ +ready/);
    expect(first).not.toContain("before");
    for (const line of first.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(await terminal.mode()).toEqual({ cursor: false, alternate: true });
    expect(await terminal.screen("-e")).toMatch(/\u001B\[32mserving/);
    await ctl("scale", "3");
    const third = await terminal.shows(/\n +2 +\d+ +ready/);
    expect(third.match(/SLOT/g)).toHaveLength(1);
    await ctl("scale", "2");
    await terminal.shows(/2 of 2 workers ready .*connections?\n/);
    await server.waitForRecord("worker gone");
    expect(await terminal.shows(/\n +1 +\d+ +ready.*$/)).not.toMatch(/\n +2 /);
    await terminal.press("C-c");
    const after = await terminal.shows(/ended with 0\n\$/);
    expect(after).toMatch(/^\$ echo before; .*\nbefore\nended with 0\n\$/);
    expect(await terminal.mode()).toEqual({ cursor: true, alternate: false });
  });

  test("status --watch follows the window's size", async () => {
    const controlled = await startControlled();
    const terminal = await Terminal.open(controlled);
    await terminal.type("ctl status --watch");
    await terminal.shows(/SLOT.*LAST EXIT/);
    await terminal.resize(140, 24);
    await terminal.shows(/ERRORS.*CONNS.*DELAY P99.*LAST EXIT/);
    await terminal.resize(60, 6);
    const low = await terminal.shows(/and \d more; the window is too low$/);
    expect(low.split("\n")).toHaveLength(6);
    await terminal.press("C-c");
    await terminal.shows(/\$ $/);
  });

  test("status --watch gives the screen back at Ctrl-Z, and takes it again with fg", async () => {
    const terminal = await Terminal.open(await startControlled());
    await terminal.type("ctl status --watch; echo ended with $?");
    await terminal.shows(/SLOT/);
    await terminal.press("C-z");
    await terminal.shows(/ended with 1\d\d\n\[1\] .*Stopped/);
    expect(await terminal.mode()).toEqual({ cursor: true, alternate: false });
    await terminal.type("fg; echo ended anew with $?");
    await terminal.shows(/SLOT/);
    expect(await terminal.mode()).toEqual({ cursor: false, alternate: true });
    await terminal.press("C-c");
    await terminal.shows(/ended anew with 0\n/);
  });

  test.each(["TERM", "HUP"])("status --watch leaves the screen as it was at SIG%s", async (signal) => {
    const controlled = await startControlled();
    const terminal = await Terminal.open(controlled);
    await terminal.type("(ctl status --watch; echo ended with $?) & wait");
    await terminal.shows(/SLOT/);
    const pids = await run("ps", ["-eo", "pid=,args="]);
    const own = pids.stdout.split("\n").filter((line) => line.includes("ctl status --watch") && line.includes(TSGATE));
    const environment = `TSGATE_CONTROL_SOCKET=${controlled.env["TSGATE_CONTROL_SOCKET"]}`;
    for (const line of own) {
      const pid = Number.parseInt(line, 10);
      const { stdout } = await run("cat", [`/proc/${pid}/environ`]);
      if (stdout.includes(environment)) process.kill(pid, `SIG${signal}`);
    }
    await terminal.shows(/ended with 0/);
    expect(await terminal.mode()).toEqual({ cursor: true, alternate: false });
  });

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "status --watch ends with a sentence when the server ends by %s",
    async (signal) => {
      const controlled = await startControlled();
      const terminal = await Terminal.open(controlled);
      await terminal.type("ctl status --watch; echo ended with $?");
      await terminal.shows(/SLOT/);
      controlled.server.signal(signal);
      await terminal.shows(/tsgate: the server has gone\nended with 1\n/);
      expect(await terminal.mode()).toEqual({ cursor: true, alternate: false });
    },
  );

  test("reload --wait is a bar, which ends with what has become of it", async () => {
    const controlled = await startControlled();
    const terminal = await Terminal.open(controlled);
    await terminal.type("ctl reload --wait; echo ended with $?");
    await terminal.shows(/generation 2 \[-{20}\] 0\/2 ready, the first worker is tried/);
    const done = await terminal.shows(/ended with 0/);
    expect(done).toMatch(/\ngeneration 2 \[#{20}\] 2\/2 ready, taking over\ngeneration 2 serves after \S+ s\nended/);
    await controlled.project.write("app.mjs", 'throw new Error("no database");\n');
    await terminal.type("clear; ctl reload --wait; echo ended with $?");
    const failed = await terminal.shows(/ended with 1/);
    expect(failed).toMatch(
      /\ntsgate: application app\.mjs failed to load: no database\nError: no database\n +at .*app\.mjs:1:7\n/,
    );
    await controlled.project.write("app.mjs", application("node", "two"));
  });

  test.each([
    ["NO_COLOR", "1"],
    ["TERM", "dumb"],
  ])("%s=%s: no colour", async (name, value) => {
    const terminal = await Terminal.open(await startControlled(), { [name]: value });
    await terminal.type("ctl status");
    const screen = await terminal.shows(/SLOT[^]*\$$/, "-e");
    expect(screen).toMatch(/serving/);
    expect(screen).not.toContain("\u001B");
  });
});
