import { describe, expect, it } from "vitest";
import { parseCtlLine } from "../../../src/cli/ctl/command.ts";
import { progressView } from "../../../src/cli/ctl/progress.ts";

const ENV = { TSGATE_CONTROL_SOCKET: "/run/a.sock" };

describe("the command line of ctl", () => {
  const right: readonly (readonly [string, object])[] = [
    ["status", { command: { cmd: "status" }, isJson: false, isWatch: false }],
    ["status --watch --json", { command: { cmd: "status" }, isJson: true, isWatch: true }],
    ["reload --wait", { command: { cmd: "reload", wait: true } }],
    ["stop --quick", { command: { cmd: "stop", quick: true } }],
    ["scale 3", { command: { cmd: "scale", workers: 3 } }],
    ["kill 0", { command: { cmd: "kill", slot: 0 } }],
    ["--control-socket /tmp/b.sock config", { command: { cmd: "config" }, socket: "/tmp/b.sock" }],
  ];
  it.each(right)("%s", (line, expected) => {
    expect(parseCtlLine(line.split(" "), ENV)).toMatchObject({ kind: "ask", socket: "/run/a.sock", ...expected });
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["statsu", 'ctl has no command "statsu"; did you mean status?'],
    ["scale", "give tsgate ctl scale N"],
    ["scale 0", "the number of workers: "],
    ["kill", "give tsgate ctl kill SLOT"],
    ["kill x", "a slot: "],
    ["status 1", "give tsgate ctl status alone"],
    ["status --wait", "--wait does not belong to ctl status"],
    ["reload --watch", "--watch does not belong to ctl reload"],
    ["status --nonsense", "unknown option '--nonsense'; see tsgate ctl --help"],
  ];
  it.each(wrong)("%s is refused", (line, sentence) => {
    expect(() => parseCtlLine(line.split(" "), ENV)).toThrow(sentence);
  });

  it("nothing at all is refused, with what there is", () => {
    const all = "status, reload, stop, scale N, kill SLOT, stack SLOT, config, reopen-logs";
    expect(() => parseCtlLine([], ENV)).toThrow(`ctl needs a command: ${all}; see tsgate ctl --help`);
  });

  it("finds the socket by the flag, the variable or the runtime directory, in this order", () => {
    const socketOf = (argv: string[], env: Record<string, string>): unknown =>
      Object.assign({ socket: undefined }, parseCtlLine(argv, env)).socket;
    const both = { ...ENV, RUNTIME_DIRECTORY: "/run/tsgate:/run/other" };
    expect(socketOf(["--control-socket", "c", "status"], both)).toBe("c");
    expect(socketOf(["status"], both)).toBe("/run/a.sock");
    expect(socketOf(["status"], { RUNTIME_DIRECTORY: "/run/tsgate:/run/other" })).toBe("/run/tsgate/tsgate.sock");
    expect(() => parseCtlLine(["status"], {})).toThrow("where is the control socket?");
  });

  it("with --help shows the help, at 80 columns", () => {
    for (const argv of [["--help"], ["-h"]]) {
      const line = parseCtlLine(argv, {});
      expect(line.kind === "help" && line.text.split("\n").every((text) => text.length <= 80)).toBe(true);
    }
  });
});

describe("the progress of a reload", () => {
  const steps = [
    { generation: 7, stage: "reading", ready: 0, target: 4 },
    { generation: 7, stage: "canary", ready: 0, target: 4 },
    { generation: 7, stage: "rolling", ready: 2, target: 4 },
  ] as const;

  it("is a line a step where nobody can write over it", () => {
    let text = "";
    const view = progressView((more) => (text += more), false);
    for (const step of steps) view.show(step);
    view.end();
    expect(text).toBe(
      "reading the configuration\ngeneration 7: 0 of 4 ready, the first worker is tried\n" +
        "generation 7: 2 of 4 ready, taking over\n",
    );
  });

  it("is a bar on a terminal, below 80 columns", () => {
    let text = "";
    const view = progressView((more) => (text += more), true);
    for (const step of steps) view.show(step);
    view.end();
    const bars = text.split("\r\u001B[2K").slice(1);
    expect(bars.at(-1)).toBe("generation 7 [##########----------] 2/4 ready, taking over\n");
    expect(bars.every((bar) => bar.length < 80)).toBe(true);
  });
});
