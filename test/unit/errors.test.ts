/** Which frames of a stack are shown: the user's, and none of them is ever dropped. */

import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { messageOf, reportError } from "../../src/errors.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

function shown(...places: readonly string[]): string[] {
  const error = new Error("broken");
  error.stack = ["Error: broken", ...places.map((place) => `    at ${place}`)].join("\n");
  const [first, ...frames] = (reportError(error).stack ?? "").split("\n");
  expect(first).toBe("Error: broken");
  return frames.map((frame) => frame.replace("    at ", ""));
}

describe("frames that are dropped", () => {
  test.each([
    ["of a bundle of ours", `Worker.boot (${ROOT}/dist/worker.cjs:10:3)`],
    ["of the file that the bundle was made from", `async Worker.#boot (${ROOT}/src/worker/worker.ts:76:19)`],
    ["of ours, without a name", `${ROOT}/dist/worker.cjs:10:3`],
    ["of ours, async and without a name", `async ${ROOT}/dist/worker.cjs:10:3`],
    ["of ours, by its URL", `run (${pathToFileURL(path.join(ROOT, "dist/index.js")).href}:4:5)`],
    ["of ours, with another name beside it", `Object.get [as run] (${ROOT}/src/run.ts:1:1)`],
    ["of Node", "Module._compile (node:internal/modules/cjs/loader:1554:14)"],
    ["of Node, without a name", "node:internal/timers:588:17"],
  ])("%s", (_, frame) => {
    expect(shown("listener (/srv/shop/app.js:1:2)", frame)).toEqual(["listener (/srv/shop/app.js:1:2)"]);
  });
});

describe("frames of an application", () => {
  test.each([
    ["in a folder named src", "listener (/srv/shop/src/app.ts:1:2)"],
    ["in a folder named dist", "listener (file:///srv/shop/dist/app.mjs:1:2)"],
    ["in this repository", `listener (${ROOT}/docs/examples/hello/app.js:1:2)`],
    ["in a folder named like ours, in this repository", `listener (${ROOT}/docs/examples/src/app.js:1:2)`],
    ["in a folder whose name begins like ours", `listener (${ROOT}/src-of-mine/app.js:1:2)`],
    ["in a folder that ends like ours", `listener (/srv${ROOT}/dist/app.js:1:2)`],
    ["in a folder with brackets", "listener (/srv/my (new) shop/app.js:1:2)"],
    ["in a folder with brackets, without a name", "/srv/my (new) shop/app.js:1:2"],
    ["in a folder named after Node", "listener (/srv/node:20/app.js:1:2)"],
    ["in a function named after Node", "Object.node:emit (/srv/app.js:1:2)"],
    ["in a function named after a file of ours", `Object.${ROOT}/src/errors.ts (/srv/app.js:1:2)`],
    ["in code made at run time", "eval (eval at run (/srv/app.js:3:1), <anonymous>:1:7)"],
    ["nowhere", "Array.map (<anonymous>)"],
    ["awaited together", "async Promise.all (index 0)"],
  ])("%s are kept", (_, frame) => {
    expect(shown(frame, `Worker.boot (${ROOT}/dist/worker.cjs:10:3)`)).toEqual([frame]);
  });
});

test("a message of several lines is kept as it is", () => {
  const error = new Error(`broken\nnode:fs\n${ROOT}/src/errors.ts`);
  expect(reportError(error).stack).toContain(error.message);
});

test.each([
  ["a stack that throws", Object.defineProperty(new Error("m"), "stack", { get: throwing })],
  ["a message that is a symbol", Object.assign(new Error("m"), { message: Symbol("q") })],
  ["a message without a prototype", Object.assign(new Error("m"), { message: Object.create(null) as unknown })],
  ["a name that is a symbol", Object.assign(new Error("m"), { name: Symbol("n") })],
  ["a name that JSON does not know", Object.assign(new Error("m"), { name: { big: 1n } })],
  ["traps that throw", new Proxy({}, { get: throwing, getPrototypeOf: throwing })],
  ["nothing behind it", revoked()],
])("an error with %s is reported all the same, as plain data", (_, error: unknown) => {
  const { name, message } = JSON.parse(JSON.stringify(reportError(error))) as { name: unknown; message: unknown };
  expect([typeof name, typeof message, typeof messageOf(error)]).toEqual(["string", "string", "string"]);
});

function throwing(): never {
  throw new Error("thrown by a property");
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
