/** A connection of which both ends are in this process. */

import { once } from "node:events";
import net from "node:net";
import { onTestFinished } from "vitest";

/** Both ends of a connection, for one test; the server's does not read by itself. */
export async function connected(): Promise<{ accepted: net.Socket; client: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  client.resume();
  onTestFinished(() => void client.destroy());
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  return { accepted, client };
}
