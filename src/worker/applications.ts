/** The applications of a worker, each with its place, and what belongs to all of them together. */

import { messageOf, reportError } from "../errors.ts";
import type { Mounted } from "../gateway/index.ts";
import type { StaticFiles } from "../gateway/middleware/static/static-files.ts";
import { log } from "./channel.ts";
import type { HeldServer } from "./held-server.ts";
import type { LoadedApplication } from "./load-application.ts";
import type { Lifecycle } from "./look-beside.ts";
import type { ChosenTransport } from "./transport.ts";
import type { PythonHost } from "./wsgi/python-host.ts";

export interface MountedApplication extends Mounted<LoadedApplication> {
  /** As it was written. */
  readonly text: string;
}

/** A function of an application's own life, and whose it is. */
interface LifeFunction {
  readonly text: string;
  readonly run: () => unknown;
}

export class Applications {
  readonly all: readonly MountedApplication[];
  /** What is served before them. */
  readonly files: readonly StaticFiles[];
  readonly transport: ChosenTransport["transport"];
  /** The server that a program has made itself: then there is no other application. */
  readonly program: HeldServer | undefined;
  /** What is asked of all of them after they have started. */
  readonly lifecycle: Omit<Lifecycle, "startup">;

  /** @param all at least one; the one at the root, if there is one, first */
  constructor(
    all: readonly MountedApplication[],
    files: readonly StaticFiles[] = [],
    transport: ChosenTransport["transport"] = "node:http",
  ) {
    const [first, ...others] = all;
    this.all = all;
    this.files = files;
    this.transport = transport;
    this.program = first?.value.interface === "server" ? first.value.held : undefined;
    this.lifecycle = others.length === 0 ? (first?.value.lifecycle ?? {}) : this.#joined();
  }

  /** Those that have a function of this name; one that several have, because their module is the same, once. */
  having(name: keyof Lifecycle): readonly LifeFunction[] {
    const found = new Map<() => unknown, LifeFunction>();
    for (const { text, value } of this.all) {
      const run = value.lifecycle[name];
      if (run !== undefined && !found.has(run)) found.set(run, { text, run });
    }
    return [...found.values()];
  }

  /** The interpreters of those that are Python. */
  get pythons(): readonly PythonHost[] {
    return this.all.flatMap(({ value: app }) => (app.interface === "wsgi" ? [app.python] : []));
  }

  /** Memory of the processes that serve with this one. */
  besideBytes(): number {
    return this.pythons.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  }

  #joined(): Omit<Lifecycle, "startup"> {
    const health = this.having("health");
    return {
      ...(health.length === 0 ? {} : { health: async () => areHealthy(health) }),
      beforeDrain: async () => runAll("beforeDrain", this.having("beforeDrain")),
      shutdown: async () => runAll("shutdown", this.having("shutdown")),
    };
  }
}

async function areHealthy(all: readonly LifeFunction[]): Promise<boolean> {
  const answers = await Promise.all(all.map(async ({ run }) => run()));
  return !answers.includes(false);
}

/** At the same time: none waits for another's, or fails with it. */
async function runAll(name: keyof Lifecycle, all: readonly LifeFunction[]): Promise<void> {
  const guarded = async ({ text, run }: LifeFunction): Promise<void> => {
    try {
      await run();
    } catch (error) {
      const fields = { function: name, application: text, message: messageOf(error), error: reportError(error) };
      log("error", "application error", fields);
    }
  };
  await Promise.all(all.map(guarded));
}
