/** A port for what cannot bind port 0 and say which one it got. */

import { once } from "node:events";
import net from "node:net";

/** A loopback port on which nobody listens at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
