/** The server's answer as a person reads it. Pure. */

import { type ConfigurationReport, configurationText } from "../../config/print-config.ts";
import type { ControlCommand, ControlReply } from "../../control-protocol.ts";
import { type Status, STATUS_SCHEMA } from "../../observe/status.ts";
import { milliseconds } from "./figures.ts";
import { plain } from "./layout.ts";
import { stackLines } from "./stack-text.ts";
import { type StatusLayout, statusLines } from "./status-text.ts";

type Answer = Extract<ControlReply, { ok: true }>;

/** The lines for `answer`, without line feeds. */
export function answerLines(command: ControlCommand, answer: Answer, layout: StatusLayout): string[] {
  switch (command.cmd) {
    case "status":
      return statusOrHint(answer, layout);
    case "stack":
      return stackLines(answer, layout.columns);
    case "config":
      return [configText(answer)];
    case "reload":
      return command.wait
        ? reloadedLines(answer)
        : ["a reload has begun; --wait waits for its end, the log tells it too"];
    case "stop":
      return ["the server has stopped"];
    case "scale":
      return [scaledText(answer)];
    case "kill":
      return [
        `the worker in slot ${text(answer["slot"])} (pid ${text(answer["pid"])}) was killed; another takes its place`,
      ];
    case "reopen-logs":
      return [
        "the log files are opened anew; the log's record `logs reopened` says when nobody writes to the old ones",
      ];
  }
}

function statusOrHint(answer: Answer, layout: StatusLayout): string[] {
  if (answer["schema"] === STATUS_SCHEMA) return statusLines(answer as unknown as Status, layout);
  return ["the server is of another version, whose status this one cannot show; --json shows it as it is"];
}

function configText({ ok: _ok, workersReason, ...report }: Answer): string {
  return configurationText(report as unknown as ConfigurationReport, text(workersReason)).trimEnd();
}

function reloadedLines({ generation, tookMs, needsRestart }: Answer): string[] {
  const took = typeof tookMs === "number" ? ` after ${milliseconds(tookMs)}` : "";
  const put = Array.isArray(needsRestart) && needsRestart.length > 0 ? needsRestart.map(text).join(", ") : undefined;
  return [
    `generation ${text(generation)} serves${took}`,
    ...(put === undefined ? [] : [`changed, but only a restart puts it into force: ${put}`]),
  ];
}

function scaledText({ workers, before }: Answer): string {
  const [noun, is, was] = workers === 1 ? ["worker", "is", "was"] : ["workers", "are", "were"];
  return workers === before
    ? `${text(workers)} ${noun} ${was} wanted already`
    : `${text(workers)} ${noun} ${is} wanted now, ${text(before)} ${before === 1 ? "was" : "were"} before`;
}

function text(value: unknown): string {
  return plain(typeof value === "string" ? value : JSON.stringify(value ?? null));
}
