/**
 * Idle connections on their way from a worker that leaves, or holds too many, to one that stays. A copy is held here,
 * unread, until the taker has said that it has it, so that whoever dies meanwhile takes nobody's connection along: the
 * one that offers it keeps its own copy until then, and gets it back whenever anything is in the way, or when it has
 * waited long enough. The taker reads nothing before it is told to. Invariants: each offer is answered once; of each held
 * copy the taker hears whether it is to be served.
 */

import type { Report } from "../messages.ts";
import type { RawHandle } from "../node-handles.ts";
import type { MoveReason } from "../observe/observation.ts";
import type { Balancer } from "./balancer.ts";
import type { Crew } from "./crew.ts";
import type { Evener } from "./evener.ts";
import type { Journal } from "./journal.ts";
import type { WorkerPool } from "./worker-pool.ts";

type Offered = Extract<Report, { tsgate: "connection-offered" }>;

interface Move {
  readonly origin: number;
  /** The origin's name for it. */
  readonly token: number;
  readonly taker: number;
  readonly handle: RawHandle;
  readonly why: MoveReason;
}

export interface MovesOptions {
  readonly pool: Pick<WorkerPool, "stop">;
  readonly crew: Pick<Crew, "send" | "sendConnection">;
  readonly balancer: Pick<Balancer, "mayTakeLater" | "takerBeside">;
  readonly evener: Pick<Evener, "takerFor">;
  readonly journal: Pick<Journal, "moved">;
}

export class Moves {
  readonly #options: MovesOptions;
  readonly #underway = new Map<number, Move>();
  /** Takers that have let an offer wait for so long that it was withdrawn, and have said nothing since. */
  readonly #late = new Set<number>();
  #newest = 0;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** The worker `origin` offers a connection; without a handle, which takes a descriptor, nobody can take it. */
  offered(
    origin: number,
    { token, introduction, gift }: Pick<Offered, "token" | "introduction" | "gift">,
    handle: RawHandle | undefined,
    now: number,
  ): void {
    const { pool, crew, balancer } = this.#options;
    const isPossible = handle !== undefined && pool.stop === undefined;
    const taker = isPossible ? this.#takerFor(origin, gift, now) : undefined;
    if (handle === undefined || taker === undefined) {
      handle?.close();
      const isSomebodyLate = [...this.#late].some((id) => id !== origin);
      const mayTryAgain =
        gift === undefined &&
        pool.stop === undefined &&
        (isSomebodyLate || (handle !== undefined && balancer.mayTakeLater(origin, now)));
      crew.send(origin, { tsgate: "offer-answered", token, isTaken: false, ...(mayTryAgain ? { mayTryAgain } : {}) });
      return;
    }
    const move = ++this.#newest;
    const why = gift === undefined ? "leaving" : "uneven";
    this.#underway.set(move, { origin, token, taker, handle, why });
    crew.sendConnection(taker, move, handle, introduction);
  }

  /** The worker `taker` holds the connection of `move`, or cannot. */
  answered(taker: number, move: number, isHeld: boolean): void {
    this.#late.delete(taker);
    const known = this.#underway.get(move);
    if (known?.taker !== taker) return;
    if (isHeld) {
      this.#options.crew.send(taker, { tsgate: "serve-connection", move });
      this.#options.journal.moved(known.why);
    }
    this.#end(move, isHeld);
  }

  /** The worker `origin` wants back what it offered, if nobody has it yet: its taker may hang. */
  withdrawn(origin: number, token: number): void {
    for (const [move, { origin: of, token: named, taker }] of this.#underway) {
      if (of !== origin || named !== token) continue;
      this.#late.add(taker);
      this.#options.crew.send(taker, { tsgate: "drop-connection", move });
      this.#end(move, false);
    }
  }

  /** The worker can be told nothing more: what was on its way to it is its origin's again. */
  gone(id: number): void {
    this.#late.delete(id);
    for (const [move, { taker }] of this.#underway) if (taker === id) this.#end(move, false);
  }

  #takerFor(origin: number, gift: number | undefined, now: number): number | undefined {
    const { balancer, evener } = this.#options;
    if (gift === undefined) return balancer.takerBeside(origin, this.#late, now);
    return evener.takerFor(origin, gift, this.#late, now);
  }

  #end(id: number, isTaken: boolean): void {
    const move = this.#underway.get(id);
    if (move === undefined) return;
    this.#underway.delete(id);
    move.handle.close();
    this.#options.crew.send(move.origin, { tsgate: "offer-answered", token: move.token, isTaken });
  }
}
