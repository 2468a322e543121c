import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { niceTop } from "../../../../src/observe/page/charts.ts";
import { MOST_BYTES, PAGE_POLICY, statusPage } from "../../../../src/observe/page/status-page.ts";
import { STYLE } from "../../../../src/observe/page/style.ts";
import { COLUMN_NAMES } from "../../../../src/observe/page/worker-table.ts";
import type { EventStatus, Status, WorkerStatus } from "../../../../src/observe/status.ts";
import { statusOf } from "../../../../src/observe/status.ts";
import { Timeline } from "../../../../src/observe/timeline.ts";
import { AT, observation } from "../observation.ts";

const STATUS = statusOf(observation());
const [WORKER] = STATUS.workers as [WorkerStatus];
const NOW = new Date(AT).toISOString();

const withServer = (server: Partial<Status["server"]>): Status => ({
  ...STATUS,
  server: { ...STATUS.server, ...server },
});
const withWorker = (worker: Partial<WorkerStatus>): Status => ({ ...STATUS, workers: [{ ...WORKER, ...worker }] });
const withEvent = (event: Omit<EventStatus, "at" | "times">): Status => ({
  ...STATUS,
  events: [{ at: NOW, times: 1, ...event }],
});

/** The text of the page as it is seen, one space for each gap. */
function seen(status: Status): string {
  const body = statusPage(status)
    .replace(/^[^]*<\/style>/, "")
    .replace(/<script>[^]*$/, "");
  return body
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, " ");
}

describe("what comes from outside", () => {
  const hostile = `"'></title></style><script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt;`;
  const everywhere = JSON.parse(
    JSON.stringify(STATUS, (key, value: unknown) => {
      const isOurs = key === "at" || key.endsWith("At") || key === "state" || key === "type" || key === "outcome";
      return typeof value === "string" && !isOurs ? hostile : value;
    }),
  ) as Status;
  const exit = { at: NOW, pid: 1, generation: 1, cause: hostile, code: null, signal: hostile, error: hostile };
  const page = statusPage({
    ...everywhere,
    server: { ...everywhere.server, version: "1.2.3", node: "v24.0.0" },
    workers: [{ ...WORKER, why: hostile, lastExit: exit }],
    events: [
      {
        at: NOW,
        type: "hung",
        times: 2,
        why: hostile,
        error: hostile,
        stack: `${hostile}\n at ${hostile}`,
        signal: hostile,
      },
    ],
  });

  it("is text wherever it stands", () => {
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).not.toContain("<img");
    expect(page).not.toContain("&lt;");
    expect(page.match(/&#60;img src=x/g)?.length).toBeGreaterThanOrEqual(12);
  });

  it("makes no element and no attribute, whatever it is", () => {
    const tags = (status: Status): string[] => statusPage(status).match(/<[^>]*>/g) ?? [];
    const named = (text: string): Status => ({
      ...withServer({ name: text, app: text }),
      events: [{ at: NOW, type: "crashed", times: 1, error: text, stack: text, why: text }],
    });
    const plain = tags(named("x"));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("<", ">", '"', "'", "&", "/", "=", " ", "b", "\n") }), (text) => {
        expect(tags(named(text))).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });
});

describe("its size", () => {
  const stack = "    at <anonymous> (/srv/app/\u6f22\u5b57/'quoted'.js:1:2)\n".repeat(200);
  const full = (workers: number, events: number, text: string): Status => {
    const timeline = new Timeline();
    for (let index = 0; index < events; index++)
      timeline.add({
        at: AT - index,
        type: "crashed",
        slot: index,
        pid: index,
        why: text,
        error: text + index,
        stack: text,
      });
    const cause = { at: NOW, pid: 1, generation: 1, cause: text, code: 1, signal: null, error: text };
    return {
      ...withServer({ name: text, app: text, degradedSlots: Array.from({ length: workers }, (_, slot) => slot) }),
      listeners: Array.from({ length: 40 }, () => ({ address: text, transport: text, queued: 4 })),
      reload: {
        ...STATUS.reload,
        last: { outcome: "failed", generation: 2, at: NOW, tookMs: null, error: text, stack: text },
      },
      workers: Array.from({ length: workers }, (_, slot) => ({
        ...WORKER,
        slot,
        id: slot,
        why: text,
        lastExit: cause,
      })),
      events: timeline.events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })),
    };
  };

  it.each([
    [0, 0],
    [4, 100],
    [64, 100],
    [512, 100],
  ])("is bounded with %d workers and %d events whose stacks are long", (workers, events) => {
    expect(Buffer.byteLength(statusPage(full(workers, events, stack)))).toBeLessThan(MOST_BYTES);
  });

  it("is bounded whatever the texts are", () => {
    const texts = fc.string({
      unit: fc.constantFrom("<", "a", "漢", "😀", "\n", " at "),
      minLength: 100,
      maxLength: 6000,
    });
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 200 }), (text, workers) => {
        expect(Buffer.byteLength(statusPage(full(workers, 100, text)))).toBeLessThan(MOST_BYTES);
      }),
      { numRuns: 20 },
    );
  });

  it("is small for a server of 64 workers that has nothing to tell, all of which it shows", () => {
    const workers = Array.from({ length: 64 }, (_, slot) => ({ ...WORKER, slot, id: slot + 1 }));
    const page = statusPage({ ...STATUS, workers });
    expect(page.match(/<tr role=row id=/g)).toHaveLength(64);
    expect(Buffer.byteLength(page)).toBeLessThan(MOST_BYTES);
  });

  it("leaves out first the rows that have nothing to tell, then old events, and says how many", () => {
    const workers = Array.from({ length: 300 }, (_, slot) => ({ ...WORKER, slot, id: slot + 1 }));
    const last = { ...WORKER, slot: 300, id: 301, state: "draining" as const };
    const text = seen({ ...full(1, 100, stack), workers: [...workers, last] });
    expect(text).toMatch(/ 300 draining .*And \d+ more rows, in status\.json/);
    expect(text).toMatch(/And \d+ older events, in status\.json/);
    expect(text).toContain("Its stack is in status.json");
  });
});

describe("the page", () => {
  it("allows its own style and script by their hashes, and nothing else", () => {
    const page = statusPage(STATUS);
    const hashOf = (text: string | undefined): string =>
      `'sha256-${createHash("sha256")
        .update(text ?? "")
        .digest("base64")}'`;
    const [, style] = /<style>([^]*?)<\/style>/.exec(page) ?? [];
    const [, script] = /<script>([^]*?)<\/script>/.exec(page) ?? [];
    expect(PAGE_POLICY.split("; ")).toEqual([
      "default-src 'none'",
      `style-src ${hashOf(style)}`,
      `script-src ${hashOf(script)}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(page).not.toMatch(/ style=| on\w+=|https?:(?!\/\/www\.w3\.org)|javascript:/);
  });

  it.each(["starting", "serving", "degraded", "draining"] as const)("says that the server is %s", (state) => {
    const status = withServer({ state });
    expect(seen(status)).toContain(`shop ${state} `);
    expect(statusPage(status)).toContain(`<title>${state} 1/2 · shop</title>`);
    expect(statusPage(status)).toContain(
      `class="state ${{ starting: "wait", serving: "good", degraded: "warn", draining: "wait" }[state]} ${state}"`,
    );
  });

  it("says why the server is degraded", () => {
    expect(seen(STATUS)).toContain("Degraded Workers of slot 1 end again and again");
    expect(seen(withServer({ degradedSlots: [], ready: 0 }))).toContain("Degraded 0 of 2 workers are ready.");
    expect(seen(withServer({ degradedSlots: [], state: "serving" }))).not.toContain("Degraded");
  });

  it("says how far a reload has come, and how the last one failed", () => {
    expect(seen(STATUS)).toMatch(/Reload to generation 3 Its first worker proves itself .*: 0 of 2 workers ready/);
    const rolling = { ...STATUS, reload: { ...STATUS.reload, stage: "rolling", generation: 2 } };
    expect(seen(rolling)).toContain("Worker by worker, new before old: 1 of 2 workers ready");
    expect(statusPage(rolling)).toContain('<progress max="2" value="1" aria-label="Workers of generation 2">');
    expect(seen(STATUS)).toContain("Reload to generation 2 failed broken The generation before it goes on serving.");
    expect(seen(STATUS)).toContain("Stack at app.js:1");
    const { reload } = statusOf({ ...observation(), reload: { running: undefined, last: undefined } });
    expect(seen({ ...STATUS, reload })).not.toContain("Reload");
  });

  it("has the numbers of the last seconds", () => {
    const recent = { ...STATUS.recent, requestsPerSecond: 200, errorsPerSecond: 1, p50Ms: 1.24, p99Ms: 1300 };
    const text = seen({ ...STATUS, recent });
    expect(text).toContain("Requests a second 200 100 in all Latency, p50 1.2 ms half are faster Latency, p99 1.3 s");
    expect(text).toContain("Errors (5xx) 0.5 % 4 in all");
    expect(text).toContain("In flight 3 12 connections Workers ready 1 of 2 generation 2");
    expect(seen({ ...STATUS, recent: { ...recent, p50Ms: null, p99Ms: null } })).toContain("p50 – no requests");
    expect(seen({ ...STATUS, totals: { ...STATUS.totals, rejected: { a: 2, b: 3 } } })).toContain("in all, 5 refused");
    expect(seen(withServer({ booting: 1, draining: 2 }))).toContain("1 of 2 1 booting, 2 draining");
  });

  it("draws the last minute and says the same in a sentence", () => {
    const requests = [0, 5, 10, 4];
    const seconds = { requests, errors: [0, 1, 0, 0], p50Ms: [null, 1, 1, null], p99Ms: [null, 4, null, 8] };
    const page = statusPage({ ...STATUS, recent: { ...STATUS.recent, seconds } });
    expect(page).toContain('aria-label="Requests a second in the last minute: 4.0 now, 0 at least, 10.0 at most"');
    expect(page).toContain('aria-label="Latency in the last minute: 8.0 ms now, 4.0 ms at least, 8.0 ms at most"');
    expect(page).toContain('<path class="line" d="M0 100L197 50L393 0L590 60"/>');
    expect(page).toContain('<path class="bars" d="M197 100V90"/>');
    // What is known between two gaps is a dot, not a line across them.
    expect(page).toContain('<path class="line" d="M197 50h0M590 0h0"/>');
    const quiet = { requests: [0], errors: [0], p50Ms: [null], p99Ms: [null] };
    const empty = statusPage({ ...STATUS, recent: { ...STATUS.recent, seconds: quiet } });
    expect(empty).toContain('aria-label="Latency: nothing in the last minute"');
    expect(empty).not.toContain('class="key bars"');
  });

  it("marks in the charts when something failed or was done, as long as that second is in them", () => {
    const seconds = {
      requests: Array(60).fill(1),
      errors: Array(60).fill(0),
      p50Ms: Array(60).fill(1),
      p99Ms: Array(60).fill(2),
    };
    const ago = (ms: number): string => new Date(Date.parse(STATUS.at) - ms).toISOString();
    const page = statusPage({
      ...STATUS,
      recent: { ...STATUS.recent, seconds },
      events: [
        { at: ago(90_000), type: "hung", times: 1 },
        { at: ago(32_000), type: "crashed", times: 1 },
        { at: ago(12_000), type: "reload done", times: 1 },
        { at: ago(100), type: "reload started", times: 1 },
      ],
    });
    expect(page.match(/<path class="failure" d="M290 0V100"\/>/g)).toHaveLength(2);
    expect(page.match(/<path class="change" d="M490 0V100M590 0V100"\/>/g)).toHaveLength(2);
    const quiet = statusPage({ ...STATUS, recent: { ...STATUS.recent, seconds }, events: [] });
    expect(quiet).not.toMatch(/class="(?:key )?(?:failure|change)"/);
  });

  it("reads out the state and the newest event, and not what changes each second", () => {
    expect(statusPage(STATUS)).toContain('role="status">shop is degraded. Worker crashed in slot 1</p>');
    expect(statusPage({ ...STATUS, events: [] })).toContain('role="status">shop is degraded. </p>');
    expect(statusPage(STATUS).match(/role="(?:status|alert)"|aria-live/g)).toHaveLength(2);
  });

  it("is read again without JavaScript", () => {
    expect(statusPage(STATUS)).toContain('<noscript><meta http-equiv="refresh" content="5"></noscript>');
  });
});

describe("workers that are silent", () => {
  const server = { ...STATUS.server, state: "serving", degradedSlots: [], ready: 1, silent: 1 } as const;
  const silent = { ...withWorker({ silentMs: 4000 }), server };

  it("are said above all else, with what to do, and do not count as ready", () => {
    expect(seen(silent)).toMatch(/The worker in slot 0 is silent No heartbeat for 4 s: .* tsgate ctl stack 0 says/);
    expect(seen(silent)).toContain("Workers ready 0 of 2 1 silent");
    expect(statusPage(silent)).toContain("<title>serving 0/2 · shop</title>");
    expect(statusPage(silent)).toContain(encodeURIComponent("#d0353b"));
    expect(seen(STATUS)).not.toContain("silent");
  });

  it("are one note, and not degraded besides", () => {
    const [row] = silent.workers;
    if (row === undefined) throw new Error("no row");
    const both = { ...silent, workers: [row, { ...row, slot: 1, id: 9, silentMs: 65_000 }] };
    const text = seen({ ...both, server: { ...server, state: "degraded", ready: 2, silent: 2 } });
    expect(text).toContain("2 workers are silent No heartbeat for up to 1 min 5 s");
    expect(text).not.toContain("workers are ready");
  });
});

describe("the table", () => {
  it("has a named column for each value", () => {
    expect(COLUMN_NAMES).toEqual([
      "Slot",
      "State",
      "Pid",
      "Generation",
      "Age",
      "Requests",
      "Errors",
      "In flight",
      "Loop",
      "Memory",
      "Last exit in this slot",
    ]);
    for (const name of COLUMN_NAMES)
      expect(statusPage(STATUS)).toMatch(new RegExp(`<th role="columnheader" scope="col"[^>]*>${name}</th>`));
  });

  it.each([
    ["ready", {}, /0 ready 105 2 30 s 100 4 3 /],
    ["silent", { silentMs: 12_000 }, /0 silent no heartbeat for 12 s 105 2 30 s 100 4 – blocked/],
    [
      "draining and silent",
      { state: "draining", why: "stop", silentMs: 4000 },
      /draining stop, no heartbeat for 4 s 105/,
    ],
    [
      "booting",
      { state: "booting", requests: null, errors: null, inFlight: null, loop: null, rssBytes: null },
      /booting 105 2 30 s – – – – – –/,
    ],
    ["draining", { state: "draining", why: "max memory" }, /draining max memory 105/],
  ] as const)("shows a worker that is %s", (_, worker, text) => expect(seen(withWorker(worker))).toMatch(text));

  it("shows a slot that waits, and what its last worker died of", () => {
    expect(seen(STATUS)).toContain("1 waiting next try in 2 s – – – – – – – – 03:04:04 crashed (code 7)");
    const exit = {
      at: "2029-12-31T03:04:05.000Z",
      pid: 1,
      generation: 1,
      cause: "killed from outside",
      code: null,
      signal: "SIGKILL",
      error: "gone",
    };
    expect(seen(withWorker({ lastExit: exit }))).toContain("12-31 03:04:05 killed from outside (SIGKILL): gone");
    expect(seen(withWorker({ lastExit: { ...exit, code: 0, signal: null, error: null } }))).toMatch(
      /killed from outside (?!\()/,
    );
  });

  it("marks a loop that is nearly full", () => {
    const busy = (utilization: number): string =>
      statusPage(withWorker({ loop: { utilization, delayP50Ms: 1, delayP99Ms: 2 } }));
    expect(busy(0.79)).toContain('79 %<svg class="meter" viewBox="0 0 40 6" aria-hidden=true><rect width="32"');
    expect(busy(1.2)).toContain('<svg class="meter hot" viewBox="0 0 40 6" aria-hidden=true><rect width="40"');
  });
});

describe("the time line", () => {
  it.each([
    [{ type: "started" }, "Server started"],
    [{ type: "reload started", generation: 3 }, "Reload started generation 3"],
    [{ type: "reload done", generation: 3, tookMs: 2400 }, "Reload done generation 3, in 2 s"],
    [{ type: "reload failed", generation: 3, error: "no database" }, "Reload failed generation 3 no database"],
    [{ type: "boot failed", slot: 2, why: "boot failed", code: 1 }, "Boot failed slot 2, exit code 1"],
    [
      { type: "crashed", slot: 2, why: "out of memory", signal: "SIGABRT", pid: 9 },
      "Worker crashed slot 2, out of memory, SIGABRT, pid 9",
    ],
    [{ type: "uncaught exception", slot: 2, error: "x is not defined" }, "Uncaught exception slot 2 x is not defined"],
    [{ type: "hung", slot: 1, stack: "    at spin (app.js:3:4)" }, "Worker hung slot 1 Stack at spin (app.js:3:4)"],
    [{ type: "killed", slot: 1, why: "drain timeout" }, "Worker killed slot 1, drain timeout"],
    [{ type: "replaced", slot: 1, why: "max requests" }, "Worker replaced slot 1, max requests"],
    [{ type: "scaled", target: 1 }, "Scaled to 1 worker"],
    [{ type: "degraded", slots: [1, 2] }, "Degraded slots 1, 2"],
    [{ type: "recovered" }, "Recovered"],
  ] as const)("tells of %j", (event, text) => {
    expect(seen(withEvent(event))).toContain(`03:04:05 just now ${text}`);
  });

  it("does not name the place of a stack twice", () => {
    const stack = "    at spin (app.js:3:4)\n    at app.js:9:1";
    const hung = seen(withEvent({ type: "hung", slot: 1, error: "in JavaScript, at spin (app.js:3:4)", stack }));
    expect(hung).toContain("slot 1 in JavaScript, at spin (app.js:3:4) Stack at spin (app.js:3:4) at app.js:9:1 ");
    expect(seen(withEvent({ type: "hung", stack }))).toContain(
      "Stack at spin (app.js:3:4) at spin (app.js:3:4) at app.js",
    );
  });

  it("has the newest first, and says how often", () => {
    expect(seen(STATUS)).toMatch(
      /Worker crashed 3 times slot 1, exit code 7, pid 104, generation 2 03:03:05 1 min ago Server started/,
    );
    expect(seen({ ...STATUS, events: [] })).toContain("Nothing yet.");
  });
});

it("an axis ends at a number that is easily halved, above all values", () => {
  expect([0, 1, 2, 2.1, 7, 9, 11, 130, 1001].map(niceTop)).toEqual([2, 2, 2, 3, 8, 10, 15, 150, 1500]);
});

describe("its colours", () => {
  const schemes = [...STYLE.matchAll(/:root\{([^}]*)\}/g)].map(([, rules = ""]) =>
    Object.fromEntries(rules.split(";").map((rule) => rule.replace(/\s/g, "").split(":") as [string, string])),
  );
  const [light = {}, dark = {}] = schemes;

  it.each([
    ["light", light],
    ["dark", { ...light, ...dark }],
  ])("can be read in the %s", (_, scheme) => {
    for (const ink of ["ink", "soft", "accent", "good", "warn", "bad", "wait"])
      for (const ground of ["bg", "card"])
        expect(
          contrast(scheme[`--${ink}`] ?? "", scheme[`--${ground}`] ?? ""),
          `${ink} on ${ground}`,
        ).toBeGreaterThanOrEqual(4.5);
    // Marks that are no text.
    for (const ground of ["card", "line"])
      expect(contrast(scheme["--accent"] ?? "", scheme[`--${ground}`] ?? "")).toBeGreaterThan(3);
    expect(contrast(scheme["--hot"] ?? "", scheme["--card"] ?? "")).toBeGreaterThan(3);
  });

  it("are one set for each of both schemes", () => {
    expect(schemes).toHaveLength(2);
    expect(contrast("#000", "#fff")).toBeCloseTo(21);
  });
});

/** Of two colours, as the Web Content Accessibility Guidelines compute it. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.replace(/[0-9a-f]/g, "$&$&") : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
