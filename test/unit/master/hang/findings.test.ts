import { describe, expect, it } from "vitest";
import type { Account, Frame } from "../../../../src/hung-account.ts";
import type { Examination } from "../../../../src/master/hang/examine.ts";
import { findings, stackText } from "../../../../src/master/hang/findings.ts";

function frame(name: string, file: string, isUsers = true): Frame {
  return { name, function: name.split(".").at(-1) ?? "", file, line: 3, column: 7, isUsers };
}

const SPIN = frame("spin", "/app/spin.js");
const HANDLER = frame("Object.handler", "/app/app.js");
const TOP_LEVEL = frame("", "/app/app.js");
const EXEC = frame("test", "", false);
const REGEXP = { ...EXEC, name: "RegExp.test" };
const READ = frame("readFileSync", "node:fs", false);
const TICKS = frame("process.processTicksAndRejections", "node:internal/process/task_queues", false);
const EVALUATED: Frame = { ...frame("eval (eval at <anonymous> (/app/app.js:1:1), <anonymous>:1:1)", ""), line: 1 };

function account(frames: readonly Frame[], change: Partial<Account> = {}): Account {
  return { frames, inFlight: 0, requests: [], sinceBeatMs: 2010, ...change };
}

function examination(change: Partial<Examination>): Examination {
  return {
    silentMs: 2000.4,
    askedMs: 30.7,
    account: undefined,
    obstacle: undefined,
    facts: undefined,
    cpuMsSinceBeat: undefined,
    times: { elapsedMs: 400, ranMs: 0, waitedMs: 0 },
    ...change,
  };
}

describe("what a worker that answers is found at", () => {
  it.each([
    [[SPIN, HANDLER, TICKS], "in JavaScript, at spin (/app/spin.js:3:7)"],
    [[TOP_LEVEL], "in JavaScript, at /app/app.js:3:7"],
    [[REGEXP, HANDLER], "in RegExp.test, called at Object.handler (/app/app.js:3:7)"],
    [[READ, SPIN], "in readFileSync, called at spin (/app/spin.js:3:7)"],
  ])("%#: %s", (frames, found) => {
    expect(findings(examination({ account: account(frames) }))).toMatchObject({ silentMs: 2000, found });
  });

  it("is told with the place as fields of their own, and the requests in flight", () => {
    const requests = [{ method: "GET", path: "/reports", ageMs: 2004 }];
    expect(
      findings(examination({ account: account([REGEXP, SPIN, HANDLER, TICKS], { inFlight: 3, requests }) })),
    ).toEqual({
      silentMs: 2000,
      askedMs: 31,
      found: "in RegExp.test, called at spin (/app/spin.js:3:7)",
      function: "spin",
      file: "/app/spin.js",
      line: 3,
      stack: "    at spin (/app/spin.js:3:7)\n    at Object.handler (/app/app.js:3:7)",
      inFlight: 3,
      requests,
    });
  });

  const facts = { state: "R", cpuMs: 100, children: [] };

  it("is none of the application's when nothing of the application is on the stack", () => {
    expect(findings(examination({ account: account([TICKS]), facts, cpuMsSinceBeat: 90 }))).toMatchObject({
      found:
        "in JavaScript that is none of the application's: it uses a processor or waits for one, 90 ms of CPU since its last heartbeat",
      stack: "    at process.processTicksAndRejections (node:internal/process/task_queues:3:7)",
      process: { state: "R", cpuMsSinceBeat: 90 },
    });
  });

  it("is over when it has beaten since", () => {
    const back = account([], { sinceBeatMs: 12 });
    expect(findings(examination({ account: back, facts })).found).toBe("its event loop ran again in between");
    const again = account([SPIN], { sinceBeatMs: 12 });
    expect(findings(examination({ account: again })).found).toBe(
      "its event loop ran again in between; now in JavaScript, at spin (/app/spin.js:3:7)",
    );
  });

  it("is not over because a beat took a moment to arrive", () => {
    const told = account([SPIN], { sinceBeatMs: 1990 });
    expect(findings(examination({ account: told })).found).toBe("in JavaScript, at spin (/app/spin.js:3:7)");
  });
});

describe("what is found of a worker that does not answer", () => {
  it.each([
    [
      { state: "R", cpuMs: 5000, children: [] },
      1980,
      "in native code or a system call: it uses a processor or waits for one, 1980 ms of CPU since its last heartbeat",
    ],
    [
      { state: "S", wchan: "do_epoll_wait", syscall: 281, cpuMs: 50, children: [{ pid: 77, command: "sleep 60" }] },
      0,
      "in native code or a system call: it sleeps in do_epoll_wait, 0 ms of CPU since its last heartbeat, child process 77 (sleep 60)",
    ],
    [{ state: "T", cpuMs: 5, children: [] }, undefined, "in native code or a system call: it is stopped (SIGSTOP)"],
    [{ state: "I", cpuMs: 5, children: [] }, undefined, "in native code or a system call: its state is I"],
  ])("%#: what the operating system knows", (facts, cpuMsSinceBeat, found) => {
    const fields = findings(examination({ facts, cpuMsSinceBeat }));
    expect(fields.found).toBe(found);
    expect(fields.process).toEqual({
      ...facts,
      cpuMs: undefined,
      ...(cpuMsSinceBeat === undefined ? {} : { cpuMsSinceBeat }),
    });
    expect(fields).not.toHaveProperty("stack");
  });

  it("is why it could not be asked", () => {
    const obstacle = "the permission model keeps Node's inspector closed";
    expect(findings(examination({ obstacle })).found).toBe(
      `its stack cannot be asked for: ${obstacle}; nothing is known of its process`,
    );
  });
});

it("a worker that others have left no processor is not said to be in native code", () => {
  expect(findings(examination({ times: { elapsedMs: 850.2, ranMs: 40, waitedMs: 801.6 } })).found).toBe(
    "it had no time to answer: for 802 of 850 ms others had the processors; nothing is known of its process",
  );
});

it("a stack is written as V8 writes it, and without code that is none of the application's", () => {
  expect(stackText([REGEXP, EVALUATED, SPIN, TICKS]).split("\n")).toEqual([
    "    at eval (eval at <anonymous> (/app/app.js:1:1), <anonymous>:1:1)",
    "    at spin (/app/spin.js:3:7)",
  ]);
  expect(stackText([REGEXP, TICKS]).split("\n")).toEqual([
    "    at RegExp.test (<anonymous>)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:3:7)",
  ]);
});
