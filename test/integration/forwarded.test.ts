/** What proxies say of a client, as applications of each kind see it over the command. */

import { describe, expect, test } from "vitest";
import { connectRaw } from "../support/raw-client.ts";
import { tempProject } from "../support/temp-project.ts";
import type { Target } from "../support/traffic.ts";
import { runTsgate, startTsgate } from "../support/tsgate.ts";

const GATEWAY = `export function application(environ, startResponse) {
  startResponse(200, [["Content-Type", "text/plain"]]);
  const { REMOTE_ADDR, REMOTE_PORT, HTTP_HOST, SERVER_NAME, SERVER_PORT } = environ;
  return ["<", [REMOTE_ADDR, REMOTE_PORT, environ["gateway.url_scheme"], HTTP_HOST, SERVER_NAME, SERVER_PORT].join(" "), ">"];
}`;
const FETCH =
  "export default { fetch: (request, environ) => new Response(`<${request.url} ${environ.REMOTE_ADDR}>`) };";
const NODE = "export default (request, response) => response.end(`<${request.socket.remoteAddress}>`);";

const TOLD =
  "X-Forwarded-For: 198.51.100.9, 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n";

describe("an application behind a proxy on this machine", () => {
  test("of the gateway sees the client, its scheme and its host", async () => {
    const target = await serve(GATEWAY);
    expect(await ask(target, TOLD)).toBe("192.0.2.7  https shop.example shop.example 443");
  });

  test("that is a fetch handler has them in its URL", async () => {
    const target = await serve(FETCH);
    expect(await ask(target, TOLD)).toBe("https://shop.example/ 192.0.2.7");
  });

  test("on a unix socket sees them too", async () => {
    const target = await serve(FETCH, ["--forwarded-allow-ips", "10.0.0.1"], "unix:app.sock");
    expect(await ask(target, TOLD)).toBe("https://shop.example/ 192.0.2.7");
  });

  test("sees nothing of them where the proxy is not on the list", async () => {
    const target = await serve(FETCH, ["--forwarded-allow-ips", "10.0.0.0/8, ::1"]);
    expect(await ask(target, TOLD)).toBe("http://localhost/ 127.0.0.1");
  });

  test("finds in the access log the peer as %(h)s, and what it saw itself as its variable", async () => {
    const format = "<%(h)s %({REMOTE_ADDR}e)s>";
    const project = await tempProject({ "app.mjs": GATEWAY });
    const server = startTsgate([...COMMON, "--access-logfile", "-", "--access-logformat", format, "app.mjs"], {
      cwd: project.dir,
    });
    await server.waitForReady(1);
    await ask(await server.target(), TOLD);
    await server.waitForOutput(/<127\.0\.0\.1 192\.0\.2\.7>/);
  });
});

describe("the list of trusted proxies", () => {
  test("is read afresh at a reload", async () => {
    const project = await tempProject({ "app.mjs": FETCH, "tsgate.config.json": "{}" });
    const server = startTsgate([...COMMON, "app.mjs"], { cwd: project.dir });
    await server.waitForReady(1);
    await project.write("tsgate.config.json", JSON.stringify({ forwardedAllowIps: ["none"] }));
    server.signal("SIGHUP");
    await server.waitForRecord("reload done");
    expect(await ask(await server.target(), TOLD)).toBe("http://localhost/ 127.0.0.1");
  });

  test.each(["localhost", "10.0.0.0/33", "none,::1"])("is refused when it is %s", async (list) => {
    const { code, stderr } = await runTsgate(["--forwarded-allow-ips", list, "app.mjs"]);
    expect([code, stderr.trim().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toContain("--forwarded-allow-ips");
  });

  test("is refused for an application that gets the headers as they came", async () => {
    const project = await tempProject({ "app.mjs": NODE });
    const { code, stderr } = await runTsgate([...COMMON, "--forwarded-allow-ips", "10.0.0.1", "app.mjs"], {
      cwd: project.dir,
    });
    expect(code).toBe(2);
    expect(stderr).toContain("--forwarded-allow-ips has no effect on an application of kind node");
  });
});

const OWN = ["--workers", "1", "--linger", "100ms"];
const COMMON = [...OWN, "--bind", "127.0.0.1:0"];

async function serve(app: string, args: readonly string[] = [], bind = "127.0.0.1:0"): Promise<Target> {
  const project = await tempProject({ "app.mjs": app });
  const server = startTsgate([...OWN, "--bind", bind, ...args, "app.mjs"], { cwd: project.dir });
  await server.waitForReady(1);
  return server.target();
}

/** What is between the angle brackets of the reply to one request with these headers. */
async function ask(target: Target, headers: string): Promise<string> {
  const client = await connectRaw(target);
  client.send(`GET / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  await client.received(/<.*>/);
  return /<(.*)>/.exec(client.text)?.[1] ?? "";
}
