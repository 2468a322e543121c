/** `tsgate ctl`: asks a running server for something and shows its answer. Ends with 0 only when it was done. */

import { setTimeout as pause } from "node:timers/promises";
import type { ControlReply, ReloadProgress } from "../../control-protocol.ts";
import { EXIT, type ExitCode } from "../../errors.ts";
import { ControlClient, failed } from "./client.ts";
import { type CtlLine, parseCtlLine } from "./command.ts";
import { progressView } from "./progress.ts";
import { answerText } from "./show-answer.ts";

type Question = Extract<CtlLine, { kind: "ask" }>;
type Answer = Extract<ControlReply, { ok: true }>;

const WATCH_EVERY_MS = 1000;
/** Clears the screen and puts the cursor at its beginning. */
const HOME = "\u001B[H\u001B[2J";

export interface CtlOutput {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** @throws TsgateError exit 2 for wrong usage, exit 1 when it was not done */
export async function runCtl(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: CtlOutput,
): Promise<ExitCode> {
  const line = parseCtlLine(argv, env);
  if (line.kind === "help") {
    output.write(`${line.text}\n`);
    return EXIT.stopped;
  }
  const client = await ControlClient.connect(line.socket);
  try {
    await (line.isWatch ? watch(client, line, output) : once(client, line, output));
  } finally {
    client.close();
  }
  return EXIT.stopped;
}

async function once(client: ControlClient, line: Question, output: CtlOutput): Promise<void> {
  const view = progressView(output.write, output.isTerminal);
  const answer = await ask(client, line, (progress) => {
    if (line.isJson) output.write(`${JSON.stringify({ progress })}\n`);
    else view.show(progress);
  }).finally(() => view.end());
  if (line.command.cmd === "stop") await client.gone();
  show(answer, line, output);
}

async function watch(client: ControlClient, line: Question, output: CtlOutput): Promise<never> {
  for (;;) {
    const answer = await ask(client, line, () => {});
    if (!line.isJson && output.isTerminal) output.write(HOME);
    show(answer, line, output);
    await pause(WATCH_EVERY_MS);
  }
}

async function ask(
  client: ControlClient,
  { command }: Question,
  progressed: (progress: ReloadProgress) => void,
): Promise<Answer> {
  const reply = await client.ask(command, (said) => {
    if ("progress" in said) progressed(said["progress"] as ReloadProgress);
  });
  if (reply.ok) return reply;
  throw failed(reply.stack === undefined ? reply.error : `${reply.error}\n${reply.stack}`);
}

function show(answer: Answer, { command, isJson }: Question, output: CtlOutput): void {
  output.write(isJson ? `${JSON.stringify(answer)}\n` : answerText(command, answer, output.columns));
}
