/**
 * One life: starts the server and its traffic, plays the scenes, looks at every invariant whenever the server has come to
 * rest, ends it, and looks at what is left. The first violation ends it.
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { TempProject } from "../support/temp-project.ts";
import { now } from "../support/traffic/connection.mjs";
import type { Target } from "../support/traffic/connection.mjs";
import { startTraffic } from "../support/traffic/start.mjs";
import type { Traffic } from "../support/traffic/start.mjs";
import type { Tally } from "../support/traffic/tally.mjs";
import { Tsgate } from "../support/tsgate.ts";
import { configuration, goodSource } from "./deployments.ts";
import type { DrawnEnding } from "./endings.ts";
import { expectLingering } from "./invariants/connections.ts";
import { Descriptors } from "./invariants/descriptors.ts";
import { expectFiles, expectNoFiles, PIDFILE } from "./invariants/files.ts";
import { expectQuietLog } from "./invariants/log.ts";
import { expectWithinBounds, leftAlone } from "./invariants/pool.ts";
import { expectOwnProcesses, expectVersion, untilQuiet, whileStill } from "./invariants/quiet.ts";
import { allowedFailures } from "./invariants/requests.ts";
import type { Allowed, End } from "./invariants/requests.ts";
import type { LifePlan, Scene } from "./plan.ts";
import { expectAll, Violation, violationsIn } from "./violation.ts";
import { REPLY_TIMEOUT_MS, World } from "./world.ts";

export interface LifeOptions {
  /** The folder that it runs in: what a killed server has left there must not keep the next from starting. */
  readonly project: TempProject;
  /** What starts the server: a Node and the binary. */
  readonly command: readonly string[];
  /** Whether there is time for another scene. */
  readonly mayGoOn: () => boolean;
  /** Told what happens, line by line. */
  readonly say: (line: string) => void;
  readonly traffic?: TrafficSize | undefined;
  /** What bounds are multiplied by; default: 3, because other work on the machine is no defect. */
  readonly patience?: number | undefined;
  /** Ends it at once, without a judgement. */
  readonly signal?: AbortSignal | undefined;
}

/** How much traffic the first address gets; another gets an eighth. */
export interface TrafficSize {
  readonly keepAlive: number;
  readonly fresh: number;
  readonly idle: number;
}

export interface LifeReport {
  readonly plan: LifePlan;
  /** Scenes that were begun. */
  readonly scenes: number;
  /** What it had come to, in words. */
  readonly stage: string;
  readonly violations: readonly Violation[];
  readonly tallies: readonly Tally[];
  readonly allowed: Allowed;
  readonly deaths: number;
  /** What the server wrote. */
  readonly log: string;
}

/** As in docs/guarantees.md. */
const FULL_TRAFFIC: TrafficSize = { keepAlive: 24, fresh: 4, idle: 200 };
const PATIENCE = 3;
const START_BOUND_MS = 15_000;

/** Plays a life to its end; never rejects for what it finds. */
export async function playLife(plan: LifePlan, options: LifeOptions): Promise<LifeReport> {
  const life = new Life(plan, options);
  const violations: Violation[] = [];
  try {
    await unlessAborted(options.signal, life.play());
  } catch (error) {
    violations.push(...violationsIn(error));
  } finally {
    violations.push(...(await life.cleanUp(violations.length > 0)));
  }
  return life.report(violations);
}

class Life {
  readonly #plan: LifePlan;
  readonly #options: LifeOptions;
  readonly #patience: number;
  readonly #descriptors = new Descriptors();
  readonly #traffic: Traffic[] = [];
  #server: Tsgate | undefined;
  #world: World | undefined;
  #scenes = 0;
  #stage = "start";
  #tallies: readonly Tally[] = [];
  #allowed: Allowed = { seen: 0, held: 0, counted: 0, afterEnd: 0 };

  constructor(plan: LifePlan, options: LifeOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#patience = options.patience ?? PATIENCE;
  }

  async play(): Promise<void> {
    const world = await this.#start();
    for (const scene of this.#plan.scenes) {
      if (!this.#options.mayGoOn()) break;
      this.#scenes++;
      this.#stage = `scene ${this.#scenes} (${scene.acts.map(({ event }) => event.name).join(" + ")})`;
      await this.#playScene(world, scene);
    }
    await this.#end(world, this.#plan.ending);
  }

  async #start(): Promise<World> {
    const { shape, life } = this.#plan;
    const { project, command, say } = this.#options;
    const app = goodSource(shape.kind, 1, 0);
    await project.write("app.mjs", app);
    await project.write("tsgate.config.json", configuration(shape));
    say(`life ${life}: ${JSON.stringify(shape)}`);
    const server = new Tsgate(["--pid", PIDFILE, "--log-level", "debug", "app.mjs"], { cwd: project.dir, command });
    this.#server = server;
    // Nothing is shown in a start that takes long: it is waited for, however little patience there is with what follows.
    const startMs = START_BOUND_MS * Math.max(this.#patience, PATIENCE);
    const ready = await server.waitForReady(shape.workers, { timeoutMs: startMs }).catch(() => undefined);
    if (ready === undefined) throw new Violation("workers", `the server did not start\n${server.stderr}`);
    const targets = await Promise.all(shape.binds.map((_, index) => server.target(index)));
    const world = new World({ server, project, shape, targets, app, patience: this.#patience });
    this.#world = world;
    for (const [index, target] of targets.entries()) this.#traffic.push(await this.#startTraffic(target, index));
    for (const traffic of this.#traffic) await traffic.until(({ outcomes }) => outcomes.ok > 20, startMs);
    await this.#rest(world, { target: shape.workers, version: 1 });
    return world;
  }

  #startTraffic(target: Target, index: number): Promise<Traffic> {
    const { keepAlive, fresh, idle } = this.#options.traffic ?? FULL_TRAFFIC;
    const share = index === 0 ? 1 : 1 / 8;
    return startTraffic({
      target,
      lingerMs: this.#plan.shape.lingerMs,
      seed: this.#plan.seed + index,
      keepAlive: Math.ceil(keepAlive * share),
      fresh: Math.ceil(fresh * share),
      idle: Math.ceil(idle * share),
      timeoutMs: REPLY_TIMEOUT_MS,
      requests: [{}, {}, {}, { method: "POST", bodyBytes: 16_384 }, { path: "/stream?300" }],
    });
  }

  async #playScene(world: World, { acts, pauseMs, before, after }: Scene): Promise<void> {
    await sleep(pauseMs);
    const startedAt = now();
    const from = world.server.log.length;
    const outcomes = await Promise.allSettled(
      acts.map(async ({ event, atMs }) => {
        await sleep(atMs);
        await event.act(world);
      }),
    );
    const names = acts.map(({ event, atMs }) => `${event.name} ${JSON.stringify(event.parameters)} at ${atMs} ms`);
    this.#options.say(`  ${this.#scenes}. ${names.join(" | ")}: ${Math.round(now() - startedAt)} ms`);
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    if (failed.length > 0) throw new AggregateError(failed);
    await this.#rest(world, after);
    const records = world.server.records.slice(from);
    const isMasterStopped = acts.some(({ event }) => event.group === "standstill");
    const planned = acts.reduce((sum, { event }) => sum + event.cost, 0);
    const cost = planned + (isMasterStopped ? leftAlone(records).length : 0);
    expectWithinBounds(records, { target: before.target, cost, surge: this.#plan.shape.surge });
  }

  /** Waits until nothing moves, and looks at everything. */
  async #rest(world: World, expected: { readonly target: number; readonly version: number }): Promise<void> {
    const { server, project, shape } = world;
    await untilQuiet(world, expected.target);
    await whileStill(world, expected.target, async () => {
      await expectOwnProcesses(world);
      await this.#descriptors.compare(server.pid, world.readyWorkers());
    });
    await expectVersion(world, expected.version);
    expectFiles(project, server.pid, shape.binds);
    this.#tallies = await Promise.all(this.#traffic.map((traffic) => traffic.snapshot()));
    this.#judge(world);
  }

  async #end(world: World, ending: DrawnEnding): Promise<void> {
    const { server, project } = world;
    this.#stage = `end after scene ${this.#scenes} (${ending.name})`;
    this.#options.say(`  end: ${ending.name} ${JSON.stringify(ending.parameters)}`);
    for (const traffic of this.#traffic) await traffic.expectEnd();
    const settled = await ending.prepare(world);
    const end: End = { kind: ending.kind, at: now() };
    ending.end(world);
    await this.#untilGone(server, ending);
    await settled();
    this.#tallies = await Promise.all(this.#traffic.map((traffic) => traffic.stop()));
    expectAll(
      () => this.#judge(world, end),
      () => {
        if (ending.kind !== "killed") expectNoFiles(project, world.shape.binds);
      },
      () => expectExit(server, ending),
    );
  }

  /** The master has ended in time, and so has every worker. */
  async #untilGone(server: Tsgate, ending: DrawnEnding): Promise<void> {
    const boundMs = ending.boundMs * this.#patience;
    const endsAt = performance.now() + boundMs;
    await Promise.race([server.exited, sleep(boundMs, undefined, { ref: false })]);
    if (server.exit === undefined) throw new Violation("stop", `the server has not ended within ${boundMs} ms`);
    for (;;) {
      const left = await server.processes();
      if (left.length === 0) return;
      // Workers whose master was killed have its requests to answer; those of one that stopped have not.
      if (ending.kind !== "killed" || performance.now() > endsAt)
        throw new Violation("process", `${left.length} processes outlived the master: ${left.join(", ")}`);
      await sleep(20);
    }
  }

  /** What the clients have seen, and what was logged. */
  #judge(world: World, end?: End): void {
    const { lingerMs } = world.shape;
    const { records, otherLines } = world.server.log;
    const deaths = world.deaths();
    const dead = deaths.map(({ pid }) => pid);
    const orphanedAt = end?.kind === "killed" ? end.at : undefined;
    expectAll(
      () => (this.#allowed = allowedFailures([...this.#tallies, world.own.snapshot()], deaths, end)),
      () => {
        if (end?.kind !== "quick") expectLingering(this.#tallies, records, { lingerMs, dead, orphanedAt });
      },
      () => expectQuietLog({ records, otherLines }, world.expected, dead),
    );
  }

  /** Ends what still runs. A server that has ended in good order must have left nothing. */
  async cleanUp(isKnownBad: boolean): Promise<Violation[]> {
    for (const traffic of this.#traffic) traffic.kill();
    this.#world?.close();
    try {
      await this.#server?.cleanup();
      return [];
    } catch (error) {
      return isKnownBad ? [] : [new Violation("process", String(error))];
    }
  }

  report(violations: readonly Violation[]): LifeReport {
    return {
      plan: this.#plan,
      scenes: this.#scenes,
      stage: this.#stage,
      violations,
      tallies: [...this.#tallies, ...(this.#world === undefined ? [] : [this.#world.own.snapshot()])],
      allowed: this.#allowed,
      deaths: this.#world?.deaths().length ?? 0,
      log: this.#server?.stderr ?? "",
    };
  }
}

function expectExit({ exit }: Tsgate, { kind }: DrawnEnding): void {
  if (kind === "killed" ? exit?.signal === "SIGKILL" : exit?.code === 0) return;
  throw new Violation("exit", `the server ended with ${exit?.signal ?? exit?.code}`);
}

/** Waits no longer once `signal` aborts. */
async function unlessAborted(signal: AbortSignal | undefined, played: Promise<void>): Promise<void> {
  if (signal === undefined) return played;
  const settled = new AbortController();
  const aborted = signal.aborted ? undefined : once(signal, "abort", { signal: settled.signal }).catch(() => {});
  await Promise.race([played, aborted]).finally(() => settled.abort());
}
