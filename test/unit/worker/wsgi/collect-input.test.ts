import { expect, test } from "vitest";
import type { Environ } from "../../../../src/gateway/index.ts";
import { BodyBudget } from "../../../../src/worker/wsgi/body-budget.ts";
import { collectInput } from "../../../../src/worker/wsgi/collect-input.ts";

const WINDOW = 100;

test("a body is whole up to the window, and begun beyond it", async () => {
  const budget = new BodyBudget(1000);
  expect(await collectInput(requestOf(30, 30), WINDOW, budget)).toMatchObject({ isWhole: true, bytes: { length: 60 } });
  expect(await collectInput(requestOf(60, 60), WINDOW, budget)).toMatchObject({
    isWhole: false,
    bytes: { length: 100 },
  });
});

test("nothing is taken in once the budget of all is spent, until a share is given back", async () => {
  const budget = new BodyBudget(50);
  const first = await collectInput(requestOf(30, 30), WINDOW, budget);
  expect(first).toMatchObject({ isWhole: false, bytes: { length: 60 } });
  expect(await collectInput(requestOf(10), WINDOW, budget)).toMatchObject({ isWhole: false, bytes: { length: 0 } });
  first.share?.release();
  first.share?.release();
  const second = await collectInput(requestOf(30, 30, 30), WINDOW, budget);
  expect(second).toMatchObject({ isWhole: false, bytes: { length: 60 } });
});

test("a client that leaves gives back what it had taken", async () => {
  const budget = new BodyBudget(50);
  await expect(collectInput(requestOf(40, new Error("left")), WINDOW, budget)).rejects.toThrow("left");
  const next = await collectInput(requestOf(40), WINDOW, budget);
  expect(next).toMatchObject({ isWhole: true, bytes: { length: 40 } });
});

/** One whose body comes in pieces of these sizes; an error is what breaks it off. */
function requestOf(...pieces: readonly (number | Error)[]): Environ {
  const left = [...pieces];
  const read = async (maxBytes: number): Promise<Uint8Array> => {
    const piece = left.shift() ?? 0;
    if (piece instanceof Error) throw piece;
    if (piece > maxBytes) left.unshift(piece - maxBytes);
    return Buffer.alloc(Math.min(piece, maxBytes));
  };
  return { HTTP_TRANSFER_ENCODING: "chunked", "gateway.input": { read } } as unknown as Environ;
}
