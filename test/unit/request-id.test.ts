import { expect, test } from "vitest";
import { newRequestId, saneRequestId } from "../../src/request-id.ts";

test.each([
  ["abc-123", true],
  ["0af7651916cd43dd8448eb211c80319c", true],
  ['!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~', true],
  ["a".repeat(128), true],
  ["a".repeat(129), false],
  ["", false],
  ["two ids, joined", false],
  ["tab\t", false],
  ["caf\xe9", false],
  ["line\n", false],
  [undefined, false],
  [["a", "b"], false],
])("an id of a client: %j", (value, isSane) => {
  expect(saneRequestId(value)).toBe(isSane ? value : undefined);
});

test("ours are sane and never the same", () => {
  const ids = Array.from({ length: 1000 }, newRequestId);
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(saneRequestId(id)).toBe(id);
  expect(Math.max(...ids.map(({ length }) => length))).toBeLessThan(24);
});
