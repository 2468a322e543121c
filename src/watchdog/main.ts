/**
 * Entry of a thread in workers whose SIGUSR1 is taken: it passes the master's questions to the inspector of the worker's
 * main thread, and the answers back, while the main thread's event loop is blocked. It sleeps until then. Questions and
 * answers are a line of JSON each.
 */

import { Session } from "node:inspector";
import net from "node:net";
import { RELAY_FD } from "../hung-account.ts";

interface Question {
  readonly id: number;
  readonly method: string;
  readonly params?: object;
}

const session = new Session();
session.connectToMainThread();
const master = new net.Socket({ fd: RELAY_FD, readable: true, writable: true });
let unread = "";

master.setEncoding("utf8").on("data", (text: string) => {
  const lines = (unread + text).split("\n");
  unread = lines.pop() ?? "";
  for (const line of lines) ask(JSON.parse(line) as Question);
});
// The master has gone; the main thread decides when the process ends.
master.on("error", () => master.destroy());

function ask({ id, method, params }: Question): void {
  session.post(method, params, (error, result) => say(error === null ? { id, result } : { id, error }));
}

function say(message: object): void {
  master.write(`${JSON.stringify(message)}\n`);
}
