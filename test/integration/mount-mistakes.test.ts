/** Applications beside each other that are broken, or cannot be meant: each is named, and the start ends. */

import { describe, expect, test } from "vitest";
import { failedStart } from "../support/failed-start.ts";
import { tempProject } from "../support/temp-project.ts";
import { requestOnce } from "../support/traffic.ts";
import { startTsgate } from "../support/tsgate.ts";

const ARGS = ["--workers", "1", "--bind", "127.0.0.1:0", "--linger", "100ms"];

const plain = (text: string, more = ""): string =>
  `export const application = (environ, startResponse) => (startResponse(200, []), [${JSON.stringify(text)}]);\n${more}`;

describe("a broken one is named", () => {
  const files = {
    "app.mjs": plain("app"),
    "throws.mjs": "\nthrow new Error('on purpose');",
    "exits.mjs": "process.exit(7);",
    "waits.mjs": "await new Promise(() => {});",
    "starts.mjs": plain("starts", "export const startup = () => { throw new Error('not today'); };"),
    "empty.mjs": "export const version = 1;",
    "program.mjs": "import http from 'node:http';\nhttp.createServer().listen(0);",
    "server.mjs": "import http from 'node:http';\nexport default http.createServer();",
    "factory.mjs": "export default () => ({ fetch() {} });",
  };

  test.each([
    ["throws.mjs", 4, /^application \/api=throws\.mjs failed to load: on purpose$/, /throws\.mjs:2:/],
    ["exits.mjs", 4, /^application \/api=exits\.mjs ended its process with exit code 7 while it was loading$/, /^$/],
    ["waits.mjs", 4, /^application \/api=waits\.mjs awaits something at its top level that can never settle$/, /^$/],
    ["starts.mjs", 3, /^application \/api=starts\.mjs failed in startup\(\): not today$/, /starts\.mjs/],
    ["empty.mjs", 4, /^application \/api=empty\.mjs exports no application: .*with --mount each exports/, /^$/],
    ["program.mjs", 4, /^application \/api=program\.mjs exports no application: .*with --mount each exports/, /^$/],
    ["server.mjs", 4, /^application \/api=server\.mjs cannot stand beside mounts: .*of kind server/, /^$/],
    ["factory.mjs", 4, /^application \/api=factory\.mjs cannot be served: /, /^$/],
    ["missing.mjs", 4, /^the application \/api=missing\.mjs was not found: /, /^$/],
    ["app.mjs:nothing", 4, /^application \/api=app\.mjs:nothing has no export named "nothing"/, /^$/],
  ])("at the start: %s", async (mounted, code, sentence, stack) => {
    const project = await tempProject(files);
    const failed = await failedStart(project, ["app.mjs", "--mount", `/api=${mounted}`]);
    expect(failed.sentence).toMatch(sentence);
    expect(failed.stack).toMatch(stack);
    expect(failed.code).toBe(code);
  });

  test("also where it is the program at the root", async () => {
    const project = await tempProject(files);
    const failed = await failedStart(project, ["program.mjs", "--mount", "/api=app.mjs"]);
    expect(failed.sentence).toMatch(/^application program\.mjs exports no application: .*with --mount each exports/);
    expect(failed.code).toBe(4);
  });

  test("at a reload, which changes nothing", async () => {
    const project = await tempProject({ "app.mjs": plain("app"), "api.mjs": plain("first") });
    const server = startTsgate([...ARGS, "app.mjs", "--mount", "/api=api.mjs"], { cwd: project.dir });
    const target = await server.target();
    await server.waitForReady(1);
    await project.write("api.mjs", "\nthrow new Error('on purpose');");
    server.signal("SIGHUP");
    const { error, stack } = await server.waitForRecord("reload failed");
    expect(error).toBe("application /api=api.mjs failed to load: on purpose");
    expect(stack).toMatch(/api\.mjs:2:/);
    expect((await requestOnce(target, { path: "/api" })).reply?.body.toString()).toBe("first");
  });
});

describe("mounts that cannot be meant end with exit code 2", () => {
  const at = (...mounts: readonly string[]): readonly string[] => mounts.flatMap((mount) => ["--mount", mount]);

  test.each([
    [
      ["app.mjs", ...at("api=app.mjs")],
      /^--mount: the prefix "api" does not begin with a slash; give one such as \/api$/,
    ],
    [["app.mjs", ...at("/api/=app.mjs")], /^--mount: the prefix "\/api\/" ends with a slash; leave that out/],
    [["app.mjs", ...at("/=app.mjs")], /^--mount: the prefix "\/" is the place of the application itself/],
    [["app.mjs", ...at("/a=app.mjs", "/a=app.mjs")], /^--mount: \/a is given twice; leave one out$/],
    [["app.mjs", ...at("/a/../b=app.mjs")], /^--mount: the prefix "\/a\/\.\.\/b" has a segment of dots/],
    [["--interface", "server", "app.mjs", ...at("/a=app.mjs")], /^--interface: .*cannot stand beside mounts/],
    [["--factory", ...at("/a=app.mjs")], /^--factory has no effect: it is about APP/],
    [
      ["--native-fetch", "app.mjs", ...at("/a=app.mjs")],
      /^--native-fetch has no effect on an application of kind gateway/,
    ],
  ])("%j", async (args, sentence) => {
    const project = await tempProject({ "app.mjs": plain("app") });
    const failed = await failedStart(project, args);
    expect(failed.sentence).toMatch(sentence);
    expect(failed.code).toBe(2);
  });
});
