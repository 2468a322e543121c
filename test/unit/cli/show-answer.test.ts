import { describe, expect, it } from "vitest";
import { paintWith } from "../../../src/cli/ctl/layout.ts";
import { answerLines } from "../../../src/cli/ctl/show-answer.ts";
import type { ControlCommand } from "../../../src/control-protocol.ts";
import type { PythonAccount } from "../../../src/python-account.ts";
import type { WorkerProfile } from "../../../src/worker-profile.ts";

const LAYOUT = { columns: 80, rows: undefined, paint: paintWith(false) };

function shown(command: ControlCommand, answer: object): string {
  return answerLines(command, { ok: true, ...answer }, LAYOUT).join("\n");
}

describe("an answer, for people", () => {
  const answers: readonly (readonly [ControlCommand, object, string])[] = [
    [{ cmd: "reload", wait: false }, {}, "a reload has begun; --wait waits for its end, the log tells it too"],
    [{ cmd: "reload", wait: true }, { generation: 7, tookMs: 2310 }, "generation 7 serves after 2.31 s"],
    [
      { cmd: "reload", wait: true },
      { generation: 7, tookMs: 2310, needsRestart: ["controlSocket", "preload"] },
      "generation 7 serves after 2.31 s\nchanged, but only a restart puts it into force: controlSocket, preload",
    ],
    [{ cmd: "stop", quick: false }, { stopping: "graceful" }, "the server has stopped"],
    [{ cmd: "scale", workers: 4 }, { workers: 4, before: 2 }, "4 workers are wanted now, 2 were before"],
    [{ cmd: "scale", workers: 4 }, { workers: 4, before: 4 }, "4 workers were wanted already"],
    [{ cmd: "scale", workers: 1 }, { workers: 1, before: 1 }, "1 worker was wanted already"],
    [{ cmd: "scale", workers: 1 }, { workers: 1, before: 2 }, "1 worker is wanted now, 2 were before"],
    [{ cmd: "scale", workers: 2 }, { workers: 2, before: 1 }, "2 workers are wanted now, 1 was before"],
    [
      { cmd: "kill", slot: 1 },
      { slot: 1, pid: 4127 },
      "the worker in slot 1 (pid 4127) was killed; another takes its place",
    ],
    [
      { cmd: "status" },
      { schema: 99 },
      "the server is of another version, whose status this one cannot show; --json shows it as it is",
    ],
  ];
  it.each(answers)("%j %j", (command, answer, text) => {
    expect(shown(command, answer)).toBe(text);
  });
});

describe("what a worker spends its time with", () => {
  const who = { slot: 2, pid: 4127, generation: 3, state: "ready" };
  const leaf = { name: "fib", file: "/srv/app.js", line: 3, isUsers: true, self: 0.31, total: 0.31, calls: [] };

  it("is a tree with shares, idle shown as idle", () => {
    const profile: WorkerProfile = {
      durationMs: 1004,
      samples: 800,
      idle: 0.6,
      garbageCollection: 0.001,
      outside: 0.05,
      calls: [
        { ...leaf, name: "", line: 9, self: 0.04, total: 0.35, calls: [leaf, { ...leaf, name: "map", file: "" }] },
      ],
    };
    expect(shown({ cmd: "stack", slot: 2 }, { ...who, profile })).toMatchInlineSnapshot(`
      "slot 2, pid 4127, generation 3: 1.00 s, 800 samples
      idle 60%, busy 40%

      TOTAL  SELF
        35%    4%  (anonymous) (/srv/app.js:9)
        31%   31%    fib (/srv/app.js:3)
        31%   31%    map
         5%    5%  (Node, tsgate and native code)
        60%   60%  (idle)"
    `);
  });

  it("has where its Python is behind it", () => {
    const profile: WorkerProfile = {
      durationMs: 1000,
      samples: 800,
      idle: 1,
      garbageCollection: 0,
      outside: 0,
      calls: [],
    };
    const frames = [{ function: "wait", file: "/srv/views.py", line: 12 }];
    const python: PythonAccount = {
      application: "mysite.wsgi",
      pid: 4130,
      threads: [{ frames }, { frames: [...frames, { function: "run", file: "/srv/tasks.py", line: 3 }] }],
      idle: 1,
      withClient: 2,
      requests: [{ method: "GET", path: "/slow", ageMs: 3000 }],
    };
    const told = {
      ...who,
      profile,
      pythons: [python, { ...python, threads: null, idle: 0, withClient: 0, requests: [] }],
    };
    expect(shown({ cmd: "stack", slot: 2 }, told).split("\n").slice(5).join("\n")).toMatchInlineSnapshot(`
      "
      Python of mysite.wsgi, pid 4130: 1 idle, 2 waiting for a client
        at wait (/srv/views.py:12)

        at wait (/srv/views.py:12)
        at run (/srv/tasks.py:3)
      1 at work:
           3s  GET /slow

      Python of mysite.wsgi, pid 4130: it gave no stack"
    `);
  });

  it("is what it hangs at, when it is late", () => {
    const examination = {
      silentMs: 3200,
      askedMs: 40,
      found: "in RegExp.test, called at isEmail (/srv/app.js:31:24)",
      stack: "    at isEmail (/srv/app.js:31:24)\n    at signUp (/srv/app.js:12:8)",
      inFlight: 2,
      requests: [{ method: "POST", path: "/sign-up\u001B[2J", ageMs: 3300 }],
    };
    expect(shown({ cmd: "stack", slot: 2 }, { ...who, examination })).toMatchInlineSnapshot(`
      "slot 2, pid 4127, generation 3: no heartbeat for 3s
      in RegExp.test, called at isEmail (/srv/app.js:31:24)
        at isEmail (/srv/app.js:31:24)
        at signUp (/srv/app.js:12:8)
      2 in flight, the oldest first:
           3s  POST /sign-up [2J"
    `);
  });

  it("is what the system knows, where nothing else is", () => {
    const examination = { silentMs: 90_000, found: "in native code or a system call: it sleeps" };
    expect(shown({ cmd: "stack", slot: 2 }, { ...who, examination })).toBe(
      "slot 2, pid 4127, generation 3: no heartbeat for 1m30s\nin native code or a system call: it sleeps",
    );
  });
});
