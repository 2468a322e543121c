/**
 * The operator's endpoints in the master: their sockets are bound before any worker is forked, never handed to one, and
 * closed last of all. The HTTP server behind them is loaded only here.
 */

import type { BindAddress } from "../config/types.ts";
import type { WriteRecord } from "../logger.ts";
import type { AdminServer, AdminSource } from "../observe/admin-server.ts";
import { bindError, closeListeners, type Listener, openListeners } from "./listeners.ts";

export class Admin {
  readonly #server: AdminServer;
  readonly #listeners: Listener[];
  readonly #log: WriteRecord;

  private constructor(server: AdminServer, listeners: Listener[], log: WriteRecord) {
    this.#server = server;
    this.#listeners = listeners;
    this.#log = log;
  }

  /**
   * Binds all addresses and answers on them, or none.
   * @throws TsgateError exit 5 that names the address that could not be bound, and why
   */
  static async open(addresses: readonly BindAddress[], source: AdminSource, log: WriteRecord): Promise<Admin> {
    const listeners = await openListeners(addresses);
    const { AdminServer } = await import("../observe/admin-server.ts");
    const admin = new Admin(new AdminServer(source, log), listeners, log);
    try {
      for (const listener of listeners) await admin.#listen(listener);
    } catch (error) {
      admin.close();
      throw error;
    }
    return admin;
  }

  announce(): void {
    for (const { address } of this.#listeners) this.#log("info", "admin listening", { address });
  }

  close(): void {
    closeListeners(this.#listeners.splice(0));
    this.#server.close();
  }

  async #listen({ address, handle }: Listener): Promise<void> {
    try {
      await this.#server.listen(handle);
    } catch (error) {
      throw bindError(address, error);
    }
  }
}
