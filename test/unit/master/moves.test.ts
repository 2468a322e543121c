/** Each connection on its way ends with somebody, and each copy of it is closed, whoever dies in between. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Moves } from "../../../src/master/moves.ts";
import type { RawHandle } from "../../../src/node-handles.ts";
import type { Order } from "../../../src/messages.ts";

interface Handle extends RawHandle {
  isOpen: boolean;
}

/** What a proxy had said of each. */
const INTRODUCTION = { client: { address: "192.0.2.7", port: 4711 } };

class Exchange {
  readonly orders: { readonly id: number; readonly order: Order }[] = [];
  readonly sent: {
    readonly taker: number;
    readonly move: number;
    readonly handle: Handle;
    readonly introduction: unknown;
  }[] = [];
  readonly handles: Handle[] = [];
  takers: number[] = [];
  /** The gift that is still wanted. */
  gift: number | undefined;
  readonly moved: string[] = [];
  /** Says nothing at the moment, and so takes nothing. */
  isSomebodySilent = false;
  isStopping = false;
  readonly moves: Moves;

  constructor() {
    const pool = {
      stop: undefined as { readonly kind: "quick"; readonly serveUntil: number } | undefined,
    };
    Object.defineProperty(pool, "stop", {
      get: () => (this.isStopping ? { kind: "quick", serveUntil: 0 } : undefined),
    });
    this.moves = new Moves({
      pool,
      crew: {
        send: (id, order) => void this.orders.push({ id, order }),
        sendConnection: (taker, move, handle, introduction) =>
          void this.sent.push({ taker, move, handle: handle as Handle, introduction }),
      },
      balancer: {
        takerBeside: (origin, late) => this.takers.find((id) => id !== origin && !late.has(id)),
        mayTakeLater: () => this.isSomebodySilent,
      },
      evener: {
        takerFor: (origin, gift, late) =>
          gift === this.gift ? this.takers.find((id) => id !== origin && !late.has(id)) : undefined,
      },
      journal: { moved: (why) => void this.moved.push(why) },
    });
  }

  offer(origin: number, token: number, gift?: number): void {
    const handle: Handle = { isOpen: true, close: () => (handle.isOpen = false) };
    this.handles.push(handle);
    this.moves.offered(
      origin,
      { token, introduction: INTRODUCTION, ...(gift === undefined ? {} : { gift }) },
      handle,
      0,
    );
  }

  answersTo(origin: number): unknown[] {
    return this.orders.filter(({ id }) => id === origin).map(({ order }) => order);
  }
}

describe("an offered connection", () => {
  it("is held until the taker has it, and then its origin is told", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.offer(1, 7);
    expect(exchange.sent).toMatchObject([{ taker: 2, handle: { isOpen: true }, introduction: INTRODUCTION }]);
    expect(exchange.orders).toEqual([]);
    exchange.moves.answered(2, exchange.sent[0]?.move ?? 0, true);
    expect(exchange.answersTo(1)).toEqual([{ tsgate: "offer-answered", token: 7, isTaken: true }]);
    expect(exchange.handles[0]?.isOpen).toBe(false);
  });

  it.each<[string, (exchange: Exchange) => void]>([
    ["there is nobody else", () => {}],
    [
      "the server stops",
      (exchange) => {
        exchange.takers = [2];
        exchange.isStopping = true;
      },
    ],
  ])("stays where it is when %s", (_when, arrange) => {
    const exchange = new Exchange();
    arrange(exchange);
    exchange.offer(1, 7);
    expect(exchange.sent).toEqual([]);
    expect(exchange.answersTo(1)).toEqual([{ tsgate: "offer-answered", token: 7, isTaken: false }]);
    expect(exchange.handles[0]?.isOpen).toBe(false);
  });

  it("stays where it is when there was no descriptor for it", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.moves.offered(1, { token: 7 }, undefined, 0);
    expect(exchange.answersTo(1)).toEqual([{ tsgate: "offer-answered", token: 7, isTaken: false }]);
  });

  it("is its origin's again when it is withdrawn, and the taker's to close", () => {
    const exchange = new Exchange();
    exchange.takers = [2, 3];
    exchange.offer(1, 7);
    const move = exchange.sent[0]?.move ?? 0;
    exchange.moves.withdrawn(1, 7);
    expect(exchange.answersTo(1)).toEqual([{ tsgate: "offer-answered", token: 7, isTaken: false }]);
    expect(exchange.answersTo(2)).toEqual([{ tsgate: "drop-connection", move }]);
    exchange.offer(1, 8);
    expect(exchange.sent.at(-1)).toMatchObject({ taker: 3 });
    // The late one may take part again once it has said something.
    exchange.moves.answered(2, move, true);
    exchange.offer(1, 9);
    expect(exchange.sent.at(-1)).toMatchObject({ taker: 2 });
    expect(exchange.answersTo(2)).toEqual([{ tsgate: "drop-connection", move }]);
  });

  it("may be offered again when the only one who could take it is late", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.offer(1, 7);
    exchange.moves.withdrawn(1, 7);
    exchange.offer(1, 8);
    expect(exchange.answersTo(1).at(-1)).toEqual({
      tsgate: "offer-answered",
      token: 8,
      isTaken: false,
      mayTryAgain: true,
    });
    exchange.moves.gone(2);
    exchange.takers = [];
    exchange.offer(1, 9);
    expect(exchange.answersTo(1).at(-1)).toEqual({ tsgate: "offer-answered", token: 9, isTaken: false });
  });

  it("may be offered again when whoever could take it says nothing at the moment", () => {
    const exchange = new Exchange();
    exchange.isSomebodySilent = true;
    exchange.offer(1, 7);
    const answer = { tsgate: "offer-answered", token: 7, isTaken: false };
    expect(exchange.answersTo(1)).toEqual([{ ...answer, mayTryAgain: true }]);
    exchange.isStopping = true;
    exchange.offer(1, 7);
    expect(exchange.answersTo(1).at(-1)).toEqual(answer);
  });

  it("cannot be withdrawn any more when it is held", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.offer(1, 7);
    const move = exchange.sent[0]?.move ?? 0;
    exchange.moves.answered(2, move, true);
    exchange.moves.withdrawn(1, 7);
    expect(exchange.answersTo(1)).toEqual([{ tsgate: "offer-answered", token: 7, isTaken: true }]);
    expect(exchange.answersTo(2)).toEqual([{ tsgate: "serve-connection", move }]);
  });

  it("that is given goes to whom the gift is for, and stays where it is when that is not wanted any more", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.isSomebodySilent = true;
    exchange.gift = 5;
    exchange.offer(1, 7, 5);
    exchange.moves.answered(2, exchange.sent[0]?.move ?? 0, true);
    exchange.offer(1, 8, 4);
    expect(exchange.answersTo(1)).toEqual([
      { tsgate: "offer-answered", token: 7, isTaken: true },
      { tsgate: "offer-answered", token: 8, isTaken: false },
    ]);
    exchange.offer(3, 9);
    exchange.moves.answered(2, exchange.sent[1]?.move ?? 0, true);
    exchange.offer(3, 10);
    exchange.moves.answered(2, exchange.sent[2]?.move ?? 0, false);
    expect(exchange.moved).toEqual(["uneven", "leaving"]);
  });

  it("is nobody else's to answer for", () => {
    const exchange = new Exchange();
    exchange.takers = [2];
    exchange.offer(1, 7);
    exchange.moves.answered(3, exchange.sent[0]?.move ?? 0, true);
    expect(exchange.orders).toEqual([]);
  });

  it("is answered once, and its copy closed, whatever happens in whatever order", () => {
    const worker = fc.integer({ min: 1, max: 4 });
    const happening = fc.oneof(
      fc.record({ kind: fc.constant("offer" as const), worker }),
      fc.record({ kind: fc.constant("answer" as const), pick: fc.nat(), isTaken: fc.boolean() }),
      fc.record({ kind: fc.constant("gone" as const), worker }),
      fc.record({ kind: fc.constant("withdrawal" as const), worker, pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (history) => {
        const exchange = new Exchange();
        exchange.takers = [1, 2, 3, 4];
        let token = 0;
        for (const event of history) {
          if (event.kind === "offer") exchange.offer(event.worker, ++token);
          else if (event.kind === "gone") exchange.moves.gone(event.worker);
          else if (event.kind === "withdrawal") exchange.moves.withdrawn(event.worker, event.pick % (token + 1));
          else {
            const { taker = 0, move = 0 } = exchange.sent[event.pick % Math.max(1, exchange.sent.length)] ?? {};
            exchange.moves.answered(taker, move, event.isTaken);
          }
        }
        for (const id of exchange.takers) exchange.moves.gone(id);
        const tokens = exchange.orders.flatMap(({ order }) => ("token" in order ? [order.token] : []));
        expect(tokens.toSorted((a, b) => a - b)).toEqual(Array.from({ length: token }, (_, index) => index + 1));
        expect(exchange.handles.filter(({ isOpen }) => isOpen)).toEqual([]);
        // Never two who read: whoever is told to serve one is told once, and its origin that it is gone.
        const served = exchange.orders.filter(({ order }) => order.tsgate === "serve-connection");
        const taken = exchange.orders.filter(({ order }) => order.tsgate === "offer-answered" && order.isTaken);
        expect(served.length).toBe(taken.length);
      }),
      { numRuns: 2000 },
    );
  });
});
