/**
 * What the master holds in the system besides its workers: the pidfile and the sockets, with the paths of those that
 * have one. Invariant: whatever way the process ends in, unless it is killed, none of it stays behind.
 */

import type { BindAddress } from "../config/types.ts";
import { closeListeners, type Listener, openListeners } from "./listeners.ts";
import { acquirePidfile, type Pidfile } from "./pidfile.ts";

export class Holdings {
  #listeners: Listener[] = [];
  #pidfile: Pidfile | undefined;

  constructor() {
    process.once("exit", () => this.release());
  }

  get listeners(): readonly Listener[] {
    return this.#listeners;
  }

  /** Throws when another process has it. */
  acquirePidfile(path: string): void {
    this.#pidfile = acquirePidfile(path);
  }

  /** Rejects when one of them cannot be had; then none is. */
  async openListeners(addresses: readonly BindAddress[]): Promise<void> {
    this.#listeners = await openListeners(addresses);
  }

  /** From here on nobody new is served, but what workers hold of them. */
  closeListeners(): void {
    closeListeners(this.#listeners.splice(0));
  }

  /** Gives back everything; nothing when there is nothing. */
  release(): void {
    this.closeListeners();
    this.#pidfile?.release();
    this.#pidfile = undefined;
  }
}
