import { expect, test } from "vitest";
import { isWorthKeeping, ownText } from "../../../src/gateway/own-text.ts";

test("text is kept as it is", () => {
  for (const text of ["", "example.org", "caf\u00e9 \u00ff", "beyond \u0100", "half \ud800"])
    expect(ownText(text)).toBe(text);
});

test("what is longer than anybody honest sends is not kept", () => {
  expect([isWorthKeeping("x".repeat(200)), isWorthKeeping("x".repeat(201))]).toEqual([true, false]);
});
