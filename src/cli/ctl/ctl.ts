/** `tsgate ctl`: asks a running server for something and shows its answer. Ends with 0 only when it was done. */

import type { ControlReply, ReloadProgress } from "../../control-protocol.ts";
import { EXIT, type ExitCode } from "../../errors.ts";
import { ControlClient, failed } from "./client.ts";
import { type CtlLine, parseCtlLine } from "./command.ts";
import { paintWith, plain } from "./layout.ts";
import type { CtlOutput } from "./output.ts";
import { progressView } from "./progress.ts";
import { answerLines } from "./show-answer.ts";
import { watch } from "./watch.ts";

type Question = Extract<CtlLine, { kind: "ask" }>;
type Answer = Extract<ControlReply, { ok: true }>;

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
    await (line.isWatch ? watchStatus(client, line, output) : once(client, line, output));
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
  output.write(`${show(answer, line, output, { ...output.size(), rows: undefined }).join("\n")}\n`);
}

async function watchStatus(client: ControlClient, line: Question, output: CtlOutput): Promise<void> {
  const isLive = output.isTerminal && !line.isJson;
  const askForLines = async (): Promise<(size: ReturnType<CtlOutput["size"]>) => string[]> => {
    const answer = await ask(client, line, () => {});
    return (size) => show(answer, line, output, size);
  };
  await watch({ ask: askForLines, client, output, isLive });
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
  const said = reply.stack === undefined ? reply.error : `${reply.error}\n${reply.stack}`;
  throw failed(said.split("\n").map(plain).join("\n"));
}

function show(
  answer: Answer,
  { command, isJson }: Question,
  { isColoured }: CtlOutput,
  size: ReturnType<CtlOutput["size"]>,
): string[] {
  return isJson ? [JSON.stringify(answer)] : answerLines(command, answer, { ...size, paint: paintWith(isColoured) });
}
