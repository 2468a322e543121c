/** The server's answer as a person reads it. */

import type { ControlCommand, ControlReply } from "../../control-protocol.ts";

/** The text for `answer`, with a line feed at its end. */
export function answerText(
  command: ControlCommand,
  answer: Extract<ControlReply, { ok: true }>,
  _columns: number,
): string {
  return `${command.cmd} ${JSON.stringify(answer)}\n`;
}
