import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { originalPosition } from "../../../src/worker/original-position.ts";
import { tempProject } from "../../support/temp-project.ts";
import type { TempProject } from "../../support/temp-project.ts";

const SOURCE = `
/** Goes away. */
interface Order {
  readonly what: string;
}

export function refuse({ what }: Order): never {
  throw new Error("refused: " + what);
}
`;

/** `out/app.mjs` made of `src/app.ts`. */
async function compiled(options: Parameters<typeof build>[0]): Promise<TempProject> {
  const project = await tempProject({ "src/app.ts": SOURCE });
  await build({
    entryPoints: [project.path("src/app.ts")],
    outfile: project.path("out/app.mjs"),
    format: "esm",
    logLevel: "silent",
    ...options,
  });
  return project;
}

/** Where `throw` stands in the compiled text. */
const [LINE, COLUMN] = [2, 3];

describe("a position in a compiled file is that of its source", () => {
  it.each([
    ["in a map in the file", { sourcemap: "inline" as const }],
    ["in a map beside it", { sourcemap: true }],
    ["below a root that the map names", { sourcemap: true, sourceRoot: "../" }],
  ])("%s", async (what, options) => {
    const project = await compiled(options);
    const file = project.path("out/app.mjs");
    const expected = { file: pathToFileURL(project.path("src/app.ts")).href, line: 8, column: 3 };
    const root = what.startsWith("below") ? pathToFileURL(path.dirname(project.dir)).href : undefined;
    const position = originalPosition(file, LINE, COLUMN);
    expect(position).toMatchObject({ line: 8, column: 3 });
    if (root === undefined) expect(position).toEqual(expected);
    expect(originalPosition(pathToFileURL(file).href, LINE, COLUMN)).toEqual(position);
  });

  it("in a map that is written out in percent signs", async () => {
    const project = await compiled({ sourcemap: "external" });
    const map = await import("node:fs/promises").then((fs) => fs.readFile(project.path("out/app.mjs.map"), "utf8"));
    await project.write("out/percent.mjs", `\n\n//# sourceMappingURL=data:application/json,${encodeURIComponent(map)}`);
    expect(originalPosition(project.path("out/percent.mjs"), LINE, COLUMN)).toMatchObject({ line: 8, column: 3 });
  });
});

describe("a position is left as it is", () => {
  it.each([
    ["without a map", "console.log(1);\n"],
    ["when the map is missing", "console.log(1);\n//# sourceMappingURL=missing.map\n"],
    ["when the map is none", "console.log(1);\n//# sourceMappingURL=data:application/json;base64,e30=\n"],
    ["when the map is no JSON", "console.log(1);\n//# sourceMappingURL=data:application/json,%7B\n"],
    ["when the map is not a file", "console.log(1);\n//# sourceMappingURL=https://example.org/app.map\n"],
    ["when it only speaks of maps", 'console.log("# sourceMappingURL=");\n'],
  ])("%s", async (_what, text) => {
    const project = await tempProject({ "app.mjs": text });
    expect(originalPosition(project.path("app.mjs"), 1, 1)).toBeUndefined();
  });

  it.each(["", "node:fs", "evalmachine.<anonymous>", "https://example.org/app.js", "/nowhere/app.js"])(
    "in %j",
    (file) => {
      expect(originalPosition(file, 1, 1)).toBeUndefined();
    },
  );
});
