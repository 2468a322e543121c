/** The applications of a worker, each with its place, and what belongs to all of them together. */

import type { MountPoint } from "../mount-point.ts";
import type { HeldServer } from "./held-server.ts";
import type { Lifecycle, LoadedApplication } from "./load-application.ts";

export interface MountedApplication {
  readonly mount: MountPoint;
  /** As it was written. */
  readonly text: string;
  readonly app: LoadedApplication;
}

export class Applications {
  readonly all: readonly MountedApplication[];
  /** The server that a program has made itself: then there is no other application. */
  readonly program: HeldServer | undefined;
  readonly lifecycle: Lifecycle;

  /** @param all at least one; the one at the root, if there is one, first */
  constructor(all: readonly [MountedApplication, ...MountedApplication[]]) {
    const [{ app }] = all;
    this.all = all;
    this.program = app.interface === "server" ? app.held : undefined;
    this.lifecycle = app.lifecycle;
  }
}
