/** docs/ctl.md shows what the command prints: each of its examples is run, and compared but for the numbers. */

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { parseCtlLine } from "../../src/cli/ctl/command.ts";
import { startControlled } from "../support/ctl.ts";
import type { Controlled } from "../support/ctl.ts";
import { connectRaw } from "../support/raw-client.ts";
import { requestOnce } from "../support/traffic.ts";

const PAGE = readFileSync(new URL("../../docs/ctl.md", import.meta.url), "utf8");

const APP = `function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function recommend() {
  for (let user = 0; user < 400; user++) fibonacci(18);
}

setInterval(recommend, 60);

function exportAll() {
  const end = Date.now() + 30_000;
  while (Date.now() < end);
}

module.exports = (request, response) => {
  if (request.url === "/export") exportAll();
  response.end();
};
`;

interface Example {
  readonly args: readonly string[];
  readonly lines: readonly string[];
}

/** By their order on the page. */
const EXAMPLES: readonly Example[] = [...PAGE.matchAll(/```console\n([^]*?)```/g)].flatMap(([, block = ""]) =>
  block
    .split("$ tsgate ctl ")
    .slice(1)
    .map((text) => {
      const [command = "", ...lines] = text.trimEnd().split("\n");
      return { args: command.split(" "), lines };
    }),
);

function example(command: string, nth = 0): Example {
  const found = EXAMPLES.filter(({ args }) => args.join(" ") === command)[nth];
  if (found === undefined) throw new Error(`docs/ctl.md shows no ${command}`);
  return found;
}

/** Without what differs from run to run. */
function shape(line: string, dir = "/srv/app"): string {
  return line
    .replaceAll(dir, "/srv/app")
    .replaceAll(/\d[\w.%]*|(?<= )-(?= |$)/g, "N")
    .replaceAll(/\b(ms|s)\b/g, "s")
    .replace(/connection$/, "connections")
    .replaceAll(/\s+/g, " ")
    .trim();
}

async function expectShown({ ctl, project }: Controlled, { args, lines }: Example, code = 0): Promise<void> {
  const ran = await ctl(...args);
  const shown = `${ran.stdout}${ran.stderr}`.split("\n").map((line) => shape(line, project.dir));
  // What is too small for a line has none.
  const missing = lines.map((line) => shape(line)).filter((line) => !line.includes("(Node, ") && !shown.includes(line));
  expect({ missing, code: ran.code }, shown.join("\n")).toEqual({ missing: [], code });
}

test("every example of docs/ctl.md is what is printed", async () => {
  const controlled = await startControlled(["--name", "shop"], { app: "app.js", files: { "app.js": APP } });
  const { server, project } = controlled;
  await requestOnce(await server.target());
  await expect.poll(async () => (await controlled.ctl("status")).stdout).toMatch(/p99 \d/);
  await expectShown(controlled, example("status"));
  const profile = example("stack 0");
  // As the page says, V8 may have put the two functions into one. A busy machine may leave it no time to be idle.
  const lines = profile.lines.filter((line) => !line.includes("recommend ("));
  await vi.waitFor(() => expectShown(controlled, { args: profile.args, lines }), { timeout: 30_000, interval: 0 });
  await expectShown(controlled, example("reload"));
  await server.waitForRecord("reload done");
  await expectShown(controlled, example("reload --wait"));
  await project.write("app.js", 'throw new Error("no database");\n');
  await expectShown(controlled, example("reload --wait", 1), 1);
  await project.write("app.js", APP);
  await expectShown(controlled, example("scale 3"));
  await server.waitForReady(3);
  await expectShown(controlled, example("reopen-logs"));
  const from = server.log.length;
  await expectShown(controlled, example("kill 1"));
  await server.waitForReady(3, { from });
  await controlled.ctl("scale", "1");
  await expect.poll(async () => (await controlled.ctl("status")).stdout).toMatch(/1 of 1 workers/);
  (await connectRaw(await server.target())).get("/export");
  const { args, lines: shown } = example("stack 1");
  const late = { args: ["stack", "0"], lines: shown };
  expect(args).toEqual(["stack", "1"]);
  await expect.poll(async () => (await controlled.ctl("stack", "0")).stdout).toMatch(/no heartbeat/);
  await expectShown(controlled, late);
  await controlled.ctl("kill", "0");
  await expectShown(controlled, example("stop"));
});

test("every command has its section or example, and is in the help", () => {
  const help = parseCtlLine(["--help"], {});
  const text = help.kind === "help" ? help.text : "";
  const commands = [...text.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = ""]) => name);
  expect(commands).toEqual(["status", "reload", "stop", "scale", "kill", "stack", "config", "reopen-logs"]);
  for (const name of commands) expect(PAGE).toMatch(new RegExp(`^(## .*\\b${name}\\b|\\$ tsgate ctl ${name}\\b)`, "m"));
});
