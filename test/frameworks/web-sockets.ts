/** A client of the two kinds of WebSocket servers in the matrix, which sees how a reload ends its connection. */

import { once } from "node:events";
import { io } from "socket.io-client";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";

/** Resolves with an open WebSocket, closed when the test ends. Call it within a test. */
export async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

/** What comes back for `message`. */
export async function echo(socket: WebSocket, message: string): Promise<string> {
  const answered = once(socket, "message");
  socket.send(message);
  const [data] = (await answered) as [Buffer];
  return data.toString();
}

/** The code that the server closes it with. */
export async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, "close")) as [number];
  return code;
}

export interface SocketIoClient {
  /** What comes back for `message`, and the worker's pid. */
  echo(message: string): Promise<{ readonly message: string; readonly worker: number }>;
  /** Why each of its connections has ended. */
  readonly ends: readonly string[];
}

/** Connects with Socket.IO's own client, which reconnects by itself; disconnected when the test ends. */
export async function connectSocketIo(url: string): Promise<SocketIoClient> {
  const socket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 20,
    // An event that was under way when the connection ended is sent again.
    retries: 10,
    ackTimeout: 1000,
  });
  const ends: string[] = [];
  socket.on("disconnect", (reason) => ends.push(reason));
  onTestFinished(() => void socket.disconnect());
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("connect_error", reject);
  });
  return { ends, echo: (message) => socket.emitWithAck("echo", message) as ReturnType<SocketIoClient["echo"]> };
}
