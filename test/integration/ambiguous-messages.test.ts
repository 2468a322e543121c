/** What can be read in two ways, or not at all, on the shipped command: answered, closed, and never served, for whoever else asks meanwhile. */

import { expect, test } from "vitest";
import { RawClient } from "../conformance/http-reader.ts";
import { ask } from "../support/ask.ts";
import { tempProject } from "../support/temp-project.ts";
import { assertNothingLost, startLightTraffic } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";
import { BROKEN_BODIES, REFUSED } from "../unit/http/refused-messages.ts";

const APP = `
  const seen = [];
  export const application = async (environ, startResponse) => {
    const path = environ.PATH_INFO;
    if (path !== "/" && path !== "/seen") seen.push(path);
    const body = await environ["gateway.input"].read();
    startResponse(200, []);
    return [path === "/seen" ? JSON.stringify(seen) : String(body.length)];
  };
`;

test("messages that are ambiguous or malformed are refused, and nothing behind them is served", async () => {
  const project = await tempProject({ "app.mjs": APP });
  const args = ["--workers", "1", "--bind", "127.0.0.1:0", "--transport", "engine", "app.mjs"];
  const server = startTsgate(args, { cwd: project.dir });
  await server.waitForReady(1);
  const target = await server.target();
  if ("path" in target) throw new Error("it listens on a path");
  const traffic = await startLightTraffic(target, 20);
  for (const [what, status, message] of [...REFUSED, ...BROKEN_BODIES]) {
    const client = new RawClient(target.port);
    client.send(`${message}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`);
    const response = await client.response();
    expect([what, response?.status]).toEqual([what, status]);
    client.socket.end();
    expect(await client.ended()).toBe("");
    client.close();
  }
  assertNothingLost(await traffic.stop());
  expect(JSON.parse(await ask(target, "/seen"))).toEqual([]);
});
