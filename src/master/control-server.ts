/**
 * The control socket: takes requests of `tsgate ctl` and hands each on with the means to answer it. Whoever connects,
 * says nothing, talks nonsense or does not read is cut off; the master does not notice. Decides nothing.
 */

import net from "node:net";
import {
  type ControlCommand,
  type ControlReply,
  LONGEST_REQUEST,
  parseRequest,
  type ReloadProgress,
} from "../control-protocol.ts";
import { LineReader } from "../line-reader.ts";
import { once } from "node:events";
import { listenOnHandle } from "../node-handles.ts";
import { bindError, closeListeners, type Listener, openPath } from "./listeners.ts";

/** Whoever has asked. What is said to one that has gone is said to nobody. */
export interface ControlClient {
  progress(progress: ReloadProgress): void;
  answer(reply: ControlReply): void;
}

export type TakeCommand = (command: ControlCommand, client: ControlClient) => void;

/** A client has this long to ask its first question, and from one to the next. */
const IDLE_MS = 30_000;
const MOST_CLIENTS = 64;
/** What a client leaves unread before it is cut off. */
const MOST_UNREAD_BYTES = 16 * 1024 ** 2;
const OWNER_ONLY = 0o600;
const BACKLOG = 64;

export class ControlServer {
  readonly #server: net.Server;
  readonly #listener: Listener;
  readonly #sockets = new Set<net.Socket>();

  private constructor(listener: Listener, take: TakeCommand) {
    this.#listener = listener;
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket, take));
    this.#server.maxConnections = MOST_CLIENTS;
  }

  /**
   * Listens on `path`, for its owner alone.
   * @throws TsgateError exit 5 when that cannot be
   */
  static async open(path: string, take: TakeCommand): Promise<ControlServer> {
    try {
      const control = new ControlServer(await openPath(path, OWNER_ONLY), take);
      await control.#listen();
      return control;
    } catch (error) {
      throw bindError(`unix:${path} (--control-socket)`, error);
    }
  }

  /** Nobody can ask any more; who is connected stays, and hears of the end by `letGo`. Again to no effect. */
  close(): void {
    if (!this.#server.listening) return;
    closeListeners([this.#listener]);
    this.#server.close();
  }

  /** Closes every client. */
  letGo(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }

  async #listen(): Promise<void> {
    const listening = once(this.#server, "listening");
    listenOnHandle(this.#server, this.#listener.handle, BACKLOG);
    await listening;
  }

  #serve(socket: net.Socket, take: TakeCommand): void {
    const lines = new LineReader(LONGEST_REQUEST);
    const send = (line: object): void => {
      if (!socket.writable) return;
      socket.write(`${JSON.stringify(line)}\n`);
      if (socket.writableLength > MOST_UNREAD_BYTES) socket.destroy();
    };
    let asked = 0;
    // Whoever has said all that it wants to say still gets its answers.
    let hasEnded = false;
    const endIfDone = (): void => {
      if (hasEnded && asked === 0) socket.end();
    };
    const ask = (line: string): void => {
      const command = parseRequest(line);
      if (typeof command === "string") return send({ ok: false, error: command });
      // Who waits for an answer is not idle.
      asked++;
      socket.setTimeout(0);
      take(command, {
        progress: (progress) => send({ progress }),
        answer: (reply) => {
          if (--asked === 0) socket.setTimeout(IDLE_MS);
          send(reply);
          endIfDone();
        },
      });
    };
    this.#sockets.add(socket);
    socket.setEncoding("utf8").setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("end", () => {
      hasEnded = true;
      endIfDone();
    });
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (text: string) => {
      const complete = lines.push(text);
      if (complete !== undefined) return complete.filter((line) => line.trim() !== "").forEach(ask);
      send({ ok: false, error: `a request has at most ${LONGEST_REQUEST} characters` });
      socket.destroySoon();
    });
  }
}
