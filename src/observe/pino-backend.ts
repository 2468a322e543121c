/** The log's backend: pino, writing JSON lines, or lines for people through pino-pretty. */

import { isatty } from "node:tty";
import { type DestinationStream, destination, pino } from "pino";
import type { LogBackend, LogOptions } from "./logger.ts";
import { prettyMessage } from "./pretty.ts";

const LONGEST_CLOSE_MS = 1000;
/** What may wait for a slow target, in bytes; records beyond it are dropped. */
const LONGEST_QUEUE = 4 * 1024 ** 2;

export async function createBackend({ level, format, file, name }: LogOptions): Promise<LogBackend> {
  const sink = destination({
    ...(file === undefined ? { fd: 2 } : { dest: file, append: true }),
    sync: false,
    maxLength: LONGEST_QUEUE,
  });
  let isBehind = false;
  let dropped = 0;
  let untold = 0;
  const target: DestinationStream = { write: (line) => (isBehind = !sink.write(line)) };
  const isPretty = format === "pretty" || (format === "auto" && file === undefined && isatty(2));
  const stream = isPretty ? await prettyStream(target) : target;
  const logger = pino({ level, base: name === undefined ? null : { name }, timestamp: false }, stream);
  const write: LogBackend["write"] = (recordLevel, record, msg) =>
    logger[recordLevel]({ time: Date.now(), ...record }, msg);
  sink.on("drop", () => {
    dropped++;
    untold++;
  });
  // A target that has gone away, or a full disk, must not end the server: it goes on serving, and nobody waits for that.
  sink.on("error", () => (isBehind = false));
  sink.on("drain", () => {
    isBehind = false;
    if (untold > 0) write("warn", { role: "master", pid: process.pid, count: untold }, "log records dropped");
    untold = 0;
  });
  return {
    write,
    isBehind: () => isBehind,
    reopen: () => {
      if (file !== undefined) sink.reopen();
    },
    dropped: () => dropped,
    close: async () => {
      const isDone = new Promise<void>((resolve) => sink.once("close", resolve));
      sink.end();
      // A target that takes nothing any more must not keep the server from ending.
      await Promise.race([isDone, new Promise((resolve) => setTimeout(resolve, LONGEST_CLOSE_MS))]);
      // What is left would be written at the exit, again and again until it succeeds.
      if (!(sink as { destroyed?: boolean }).destroyed) sink.destroy();
    },
  };
}

/** Loaded only where people read: at a terminal, or when asked for. */
async function prettyStream(sink: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import("pino-pretty");
  const toLine = prettyFactory({
    colorize: isatty(2) && process.env.NO_COLOR === undefined,
    translateTime: "SYS:HH:MM:ss.l",
    hideObject: true,
    ignore: "pid,hostname,name",
    messageFormat: prettyMessage,
  });
  return { write: (line) => sink.write(toLine(line)) };
}
