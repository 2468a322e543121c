/** A plant that no longer finds its place is an error, and never a build without the defect. */

import { expect, test } from "vitest";
import { changed, plant } from "../../chaos/plant.ts";

const CHANGE = { file: "leaf.ts", text: "return 1;", replacement: "return $&;" };

test("a piece that stands there once is replaced, to the letter", () => {
  expect(changed("f() { return 1; }", CHANGE)).toBe("f() { return $&; }");
});

test.each([
  ["nowhere", "f() { return 2; }", /0 times/],
  ["twice", "f() { return 1; return 1; }", /2 times/],
])("a piece that stands there %s is an error", (_, source, error) => {
  expect(() => changed(source, CHANGE)).toThrow(error);
});

test("a plant without its place builds nothing", async () => {
  await expect(plant({ file: "index.ts", text: "what stands nowhere", replacement: "" })).rejects.toThrow(/0 times/);
});
