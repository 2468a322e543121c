/** Every kind of event that a life may meet. A new kind is an entry here; the plan draws it by its weight. */

import type { DrawableEvent } from "./event.ts";
import { brokenReload, interruptedRollout, repairedReload, spoiledReload } from "./events/broken-reload.ts";
import { exit, freezeForGood, hang, illness, killAll, killWorker, terminate, uncaught } from "./events/loss.ts";
import { burst, reload, reloadDuringReload, resize } from "./events/reload.ts";
import { scaleDown, scaleUp } from "./events/scale.ts";
import { silentClients, slowBodies, slowHeads, slowReaders } from "./events/slow-clients.ts";
import { freezeMaster, freezeWorker } from "./events/standstill.ts";
import { straySignal } from "./events/stray-signals.ts";

export const CATALOGUE: readonly DrawableEvent[] = [
  reload,
  burst,
  reloadDuringReload,
  resize,
  brokenReload,
  repairedReload,
  spoiledReload,
  interruptedRollout,
  killWorker,
  killAll,
  hang,
  freezeForGood,
  exit,
  uncaught,
  illness,
  terminate,
  scaleUp,
  scaleDown,
  freezeWorker,
  freezeMaster,
  slowHeads,
  slowBodies,
  slowReaders,
  silentClients,
  straySignal,
];
