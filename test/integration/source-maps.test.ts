/** A bundled TypeScript application under `--enable-source-maps`: its errors name the files that were written. */

import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { build, type BuildOptions } from "esbuild";
import { describe, expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import type { TempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";

/** Types and comments go away in a bundle, and with them the lines. */
const ORDERS = `
/** What is ordered. */
interface Order {
  readonly what: string;
}

export type Orders = readonly Order[];

/** Refuses every order. */
export function refuse({ what }: Order): never {
  throw new Error("refused: " + what);
}
`;
const LIFE = `
export function startup(): void {
  if (process.env["BREAK"] === "startup") refuse({ what: "startup" });
}

if (process.env["BREAK"] === "load") refuse({ what: "load" });
`;
const NODE = `
import { refuse, type Orders } from "./orders.ts";

/** Where orders come in. */
interface Incoming {
  readonly url: string;
}

const refused: Orders = [];
${LIFE}
export default async function listener({ url }: Incoming, response: { end(text: string): void }): Promise<void> {
  if (url === "/throw") refuse({ what: "at once" });
  await null;
  if (url === "/reject") refuse({ what: "later" });
  if (url === "/escape") setTimeout(() => refuse({ what: "in nobody's name" }), 1);
  response.end(String(refused.length));
}
`;
const GATEWAY = `
import { refuse, type Orders } from "./orders.ts";

/** What is asked. */
interface Environ {
  readonly PATH_INFO: string;
}

const refused: Orders = [];
${LIFE}
export function application({ PATH_INFO }: Environ, startResponse: (status: number, headers: []) => void): unknown {
  if (PATH_INFO === "/throw") refuse({ what: "at once" });
  if (PATH_INFO === "/reject") return Promise.resolve().then(() => refuse({ what: "later" }));
  if (PATH_INFO === "/escape") setTimeout(() => refuse({ what: "in nobody's name" }), 1);
  startResponse(200, []);
  return [String(refused.length)];
}
`;

interface Bundle {
  readonly application: string;
  readonly build: BuildOptions;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const EXTERNAL: Bundle = {
  application: NODE,
  build: { format: "esm", sourcemap: true, outfile: "dist/app.mjs" },
  args: ["--node-arg", "--enable-source-maps", "dist/app.mjs"],
  env: {},
};
const INLINE: Bundle = {
  application: GATEWAY,
  build: { format: "cjs", sourcemap: "inline", outfile: "dist/app.cjs" },
  args: ["dist/app.cjs"],
  env: { NODE_OPTIONS: "--enable-source-maps" },
};

describe.each([
  ["an external source map and --node-arg, as an ES module of kind node,", EXTERNAL],
  ["an inline source map and NODE_OPTIONS, as CommonJS of kind gateway,", INLINE],
])("a bundle with %s", (_, bundle) => {
  test("names its source where a request, a promise or a timer fails", async () => {
    const project = await bundled(bundle);
    const server = startTsgate(["--workers", "1", "--linger", "100ms", "--bind", "127.0.0.1:0", ...bundle.args], {
      cwd: project.dir,
      env: bundle.env,
    });
    const target = await server.target();
    expect((await requestOnce(target, { path: "/throw" })).reply?.status).toBe(500);
    expect((await requestOnce(target, { path: "/reject" })).reply?.status).toBe(500);
    expect(await ask(target, "/escape")).toBe("0");
    const { error: escaped } = await server.waitForRecord("uncaught exception in the application");
    const logged = server.log.all("application error").map(({ error }) => error);
    const stacks = [...logged, escaped].map((error) => (error as { stack: string }).stack);
    expect(stacks.map((stack) => placesIn(stack, project))).toEqual([
      ["orders.ts refused: ", "app.ts at once"],
      ["orders.ts refused: ", "app.ts later"],
      ["orders.ts refused: ", "app.ts in nobody's name"],
    ]);
    expect((await server.stop()).code).toBe(0);
  });

  test.each([
    ["load", 4],
    ["startup", 3],
  ])("names its source where its %s fails", async (what, code) => {
    const project = await bundled(bundle);
    const failed = await failedStart(project, bundle.args, { env: { ...bundle.env, BREAK: what } });
    expect(failed.code).toBe(code);
    expect(failed.sentence).toMatch(new RegExp(`refused: ${what}$`));
    expect(placesIn(failed.stack, project)).toEqual(["orders.ts refused: ", `app.ts ${what}`]);
  });
});

test("what the server complains of in a gateway application is shown where the application did it", async () => {
  const application = `
interface Environ {}

export function application(environ: Environ, startResponse: (status: number, headers: unknown) => void): unknown {
  startResponse(200, "no headers what: wrong");
  return [];
}
`;
  const project = await bundled({ ...INLINE, application });
  const args = ["--workers", "1", "--linger", "100ms", "--bind", "127.0.0.1:0", ...INLINE.args];
  const server = startTsgate(args, { cwd: project.dir, env: INLINE.env });
  expect((await requestOnce(await server.target())).reply?.status).toBe(500);
  const { error } = await server.waitForRecord("application error");
  expect(placesIn((error as { stack: string }).stack, project)).toEqual(["app.ts wrong"]);
  expect((await server.stop()).code).toBe(0);
});

/** A project with the application in `src`, bundled as it is asked for. */
async function bundled({ application, build: options }: Bundle): Promise<TempProject> {
  const project = await tempProject({ "src/app.ts": application, "src/orders.ts": ORDERS });
  await mkdir(project.path("dist"));
  await build({
    ...options,
    entryPoints: [project.path("src/app.ts")],
    outfile: project.path(options.outfile ?? ""),
    bundle: true,
    platform: "node",
    target: "node20",
  });
  return project;
}

/** Every frame of the stack as its file and what is refused in that line of it. Throws on a frame of another file. */
function placesIn(stack: string, project: TempProject): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => {
    const [, file = "", line = ""] = /([^ (]+):(\d+):\d+\)?$/.exec(frame) ?? [];
    expect(path.dirname(file), frame).toBe(project.path("src"));
    const text = readFileSync(file, "utf8").split("\n")[Number(line) - 1] ?? "";
    return `${path.basename(file)} ${/(?:what: "?|Error\(")([^"]*)"/.exec(text)?.[1] ?? text}`;
  });
}
