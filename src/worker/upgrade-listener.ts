/**
 * What is called for an upgrade: the function that an application exports for them, with Node's own request, whatever
 * transport has brought it.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { MountPoint } from "../mount-point.ts";
import { logApplicationError, nameOf } from "./application-error-log.ts";
import type { LoadedApplication, UpgradeListener } from "./load-application.ts";
import { belowMount } from "./mounted-listeners.ts";

/** Undefined where the application takes none. A program listens on its own server. */
export function upgradeListener(mount: MountPoint, app: LoadedApplication): UpgradeListener | undefined {
  const upgrade = app.interface === "server" ? undefined : app.upgrade;
  return upgrade && belowMount(mount, guarded(upgrade));
}

/** A socket whose upgrade failed is of no use to anybody. */
function guarded(upgrade: UpgradeListener): UpgradeListener {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const fail = (error: unknown): void => {
      logApplicationError(error, nameOf(request));
      socket.destroy();
    };
    try {
      const outcome: unknown = upgrade(request, socket, head);
      if (outcome instanceof Promise) outcome.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}
