/**
 * Where the server can be looked at and steered from outside: the operator's endpoints and the control socket. They are
 * there before any worker is forked, and closed last of all: who waits for the end then finds everything written.
 */

import type { Settings } from "../config/types.ts";
import type { WriteRecord } from "../logger.ts";
import { Admin } from "./admin.ts";
import { ControlServer, type TakeCommand } from "./control-server.ts";
import type { Telemetry } from "./telemetry.ts";

export class Outlets {
  readonly #telemetry: Telemetry | undefined;
  readonly #log: WriteRecord;
  #admin: Admin | undefined;
  #control: ControlServer | undefined;

  /** @param telemetry undefined when nobody can ask */
  constructor(telemetry: Telemetry | undefined, log: WriteRecord) {
    this.#telemetry = telemetry;
    this.#log = log;
  }

  /** @throws TsgateError exit 5 when the control socket cannot be made */
  async openControl({ controlSocket }: Settings, take: TakeCommand): Promise<void> {
    if (controlSocket !== undefined) this.#control = await ControlServer.open(controlSocket, take);
  }

  /** @throws TsgateError exit 5 when an address of the endpoints cannot be bound */
  async openAdmin({ adminBind }: Settings): Promise<void> {
    if (this.#telemetry === undefined) return;
    await this.#telemetry.start();
    if (adminBind.length > 0) this.#admin = await Admin.open(adminBind, this.#telemetry, this.#log);
  }

  announce(): void {
    this.#admin?.announce();
  }

  /** Leaves no socket behind. Again and again to no effect. */
  close(): void {
    this.#admin?.close();
    this.#telemetry?.stop();
    this.#control?.close();
  }

  /** Whoever has waited for the end of the server sees it. */
  letGo(): void {
    this.#control?.letGo();
  }
}
