/** How idle connections are closed: none on which a request has come, and none so that a later one waits in vain. */

import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Connections } from "../../../src/worker/connections.ts";
import { HttpTracking } from "../../../src/worker/http-tracking.ts";
import { IdleClosing } from "../../../src/worker/idle-closing.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A draining server, and a client whose one request has been answered. */
async function idleClient(): Promise<{ connections: Connections; client: net.Socket; text: () => string }> {
  const connections = new Connections();
  const server = http.createServer();
  new HttpTracking(connections).track(server);
  server.on("request", (_request, response) => response.end("served"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  let text = "";
  client.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  client.write(REQUEST);
  while (!text.endsWith("served")) await once(client, "data");
  text = "";
  connections.beginDrain();
  return { connections, client, text: () => text };
}

describe("an idle connection whose time is over", () => {
  it("is served once more when a request has come that the loop has not seen", async () => {
    const { connections, client, text } = await idleClient();
    // In the same phase of the loop as the closing, and before it: no poll comes between them.
    setImmediate(() => client.write(REQUEST));
    new IdleClosing().close(connections.all(), 0);
    await once(client, "end");
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Connection: close\r\n(?:.*\r\n)*\r\nserved$/);
  });

  it("is closed in both directions at once, so that what comes later is refused", async () => {
    const { connections, client, text } = await idleClient();
    new IdleClosing().close(connections.all(), 0);
    await once(client, "end");
    const probe = setInterval(() => client.write(REQUEST), 5);
    onTestFinished(() => clearInterval(probe));
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      client.on("error", (error) => {
        clearInterval(probe);
        resolve(error);
      });
    });
    expect(["EPIPE", "ECONNRESET"]).toContain(error.code);
    expect(text()).toBe("");
  });
});
