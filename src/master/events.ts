/** Everything that can happen to the master, as values of its one queue. */

import type { ControlCommand } from "../control-protocol.ts";
import type { Report } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import type { Examination } from "./hang/examine.ts";
import type { EndCause } from "./model.ts";
import type { ControlClient } from "./control-server.ts";
import type { MasterSignal } from "./signals.ts";
import type { Release } from "./release.ts";

export type MasterEvent =
  | { readonly type: "signal"; readonly signal: MasterSignal }
  | {
      readonly type: "worker-reported";
      readonly id: number;
      readonly report: Report;
      /** That of a connection which it offers. */
      readonly handle: RawHandle | undefined;
    }
  | {
      readonly type: "worker-exited";
      readonly id: number;
      readonly code: number | null;
      readonly signal: string | null;
    }
  | { readonly type: "worker-disconnected"; readonly id: number }
  /** What blocks a worker is known, as far as it can be: it is killed. */
  | {
      readonly type: "worker-examined";
      readonly id: number;
      readonly cause: EndCause;
      readonly examination: Examination;
    }
  | { readonly type: "reload-prepared"; readonly request: number; readonly outcome: ReloadOutcome }
  | { readonly type: "control"; readonly command: ControlCommand; readonly client: ControlClient }
  /** The nearest deadline, due at `dueAt`, has come. */
  | { readonly type: "deadline-passed" };

export type ReloadOutcome = { readonly release: Release } | { readonly error: unknown };
