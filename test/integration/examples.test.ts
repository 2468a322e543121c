/** Every example runs as the comment at its head says, and answers the request that stands there. */

import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { stripsTypes } from "../../src/config/node-options.ts";
import { commandOf, EXAMPLES } from "../support/examples.ts";
import { startTsgate } from "../support/tsgate.ts";

/** What each example answers; a folder that is not here has no test. */
const REPLIES: Readonly<Record<string, RegExp>> = {
  commonjs: /^made at \d{4}-\d\d-\d\dT\S+Z in worker \d+\n$/,
  configured: /^Hello from worker \d+, called with --from the-config\n$/,
  express: /^\{"hello":"you","worker":\d+\}$/,
  hello: /^Hello from worker \d+, you asked for \/\n$/,
  lifecycle: /^\{"worker":\d+,"upForMs":\d+\}\n$/,
  streaming: /^1\n2\n3\n4\n5\n$/,
  typescript: /^POST with 13 bytes\n$/,
};

/** These have tests of their own: test/integration/frameworks.test.ts, middleware-examples.test.ts and their like, and those of test/peers. */
const ELSEWHERE = ["frameworks", "middleware", "opentelemetry"];

test("every example is known here", () => {
  const folders = readdirSync(EXAMPLES).filter((name) => name !== "README.md");
  expect(folders.toSorted()).toEqual([...Object.keys(REPLIES), ...ELSEWHERE].toSorted());
});

test.each(Object.keys(REPLIES).filter((name) => name !== "typescript"))("%s answers", async (name) => {
  await answers(name);
});

test("typescript answers where Node runs it, and says what to do where it does not", async () => {
  if (stripsTypes()) return answers("typescript");
  const { args, cwd } = commandOf("typescript");
  const server = startTsgate([...args, "--bind", "127.0.0.1:0"], { cwd });
  expect(await server.exited).toEqual({ code: 4, signal: null });
  expect(server.log.otherLines).toEqual([expect.stringMatching(/^tsgate: .* is TypeScript, .*--import tsx/)]);
});

async function answers(name: string): Promise<void> {
  const { args, cwd, path: wanted, body } = commandOf(name);
  const server = startTsgate([...args, "--bind", "127.0.0.1:0"], { cwd });
  const reply = await fetch((await server.url()) + wanted, {
    headers: { connection: "close" },
    ...(body === undefined ? {} : { method: "POST", body }),
  });
  expect(reply.status).toBe(200);
  expect(await reply.text()).toMatch(REPLIES[name] as RegExp);
  // One that still boots when the server stops may be killed, which the log would say.
  const { workers } = await server.waitForRecord("server starting");
  await server.waitForReady(Number(workers));
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.records.filter(({ level }) => level > 30)).toEqual([]);
}
