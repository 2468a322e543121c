/** Engines with a defect planted in their source: what the campaign has to find, or it proves nothing. */

import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

export interface Defect {
  readonly name: string;
  /** Under `src/http/`. */
  readonly file: string;
  /** A piece of its source that is there once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
}

const LENIENT = (flag: string) =>
  `(llhttp as any).llhttp_set_lenient_${flag}(parser, 1);\nconst fresh = state.slice();`;

export const DEFECTS: readonly Defect[] = [
  {
    name: "llhttp is lenient about headers",
    file: "llhttp.ts",
    from: "const fresh = state.slice();",
    to: LENIENT("headers"),
  },
  {
    name: "a bare LF ends a line",
    file: "llhttp.ts",
    from: "const fresh = state.slice();",
    to: LENIENT("optional_cr_before_lf"),
  },
  {
    name: "Transfer-Encoding is ignored beside Content-Length",
    file: "llhttp.ts",
    from: "  return llhttp.llhttp_execute(parser, input + start, end - start);",
    to: `  const text = INPUT.toString("latin1", start, end);
  if (/content-length/i.test(text)) INPUT.write(text.replace(/transfer-encoding/gi, "xransfer-encoding"), start, "latin1");
  return llhttp.llhttp_execute(parser, input + start, end - start);`,
  },
  {
    name: "a chunk extension is skipped to its first CR",
    file: "llhttp.ts",
    from: "  return llhttp.llhttp_execute(parser, input + start, end - start);",
    to: `  const text = INPUT.toString("latin1", start, end);
  INPUT.write(text.replace(/(\\r\\n[0-9a-f]+;[^\\r\\n]*)\\r(?!\\n)/gi, "$1x"), start, "latin1");
  return llhttp.llhttp_execute(parser, input + start, end - start);`,
  },
  {
    name: "what is behind a request in the same read is dropped",
    file: "connection.ts",
    from: "      if (outcome === BODY_END) this.#bodyEnded();",
    to: "      if (outcome === BODY_END) { this.#bodyEnded(); return; }",
  },
  {
    name: "the parser begins anew with every read",
    file: "message-parser.ts",
    from: "if (state.isBegun) this.#restore(state);",
    to: "if (state.isInBody) this.#restore(state);",
  },
  {
    name: "a head is taken for one that came before without a look at all of its bytes",
    file: "known-heads.ts",
    from: "if (slice(start, start + known.text.length) === known.text) return known;",
    to: "return known;",
  },
  {
    name: "offsets do not count earlier reads",
    file: "message-parser.ts",
    from: "this.#shift = state.text.length - start;",
    to: "this.#shift = -start;",
  },
  {
    name: "a body loses the last byte of a read",
    file: "connection.ts",
    from: "exchange.body.push(INPUT.subarray(start, end));",
    to: "exchange.body.push(INPUT.subarray(start, Math.max(start + 1, end - 1)));",
  },
  {
    name: "no Host is needed",
    file: "request-head.ts",
    from: 'if (head.version === "1.1") return REFUSALS.noHost;',
    to: "",
  },
  {
    name: "a broken body ends as if it were whole",
    file: "connection.ts",
    from: "    incoming.body?.fail();\n    if (incoming.isOver)",
    to: "    incoming.body?.finish();\n    if (incoming.isOver)",
  },
];

/** Found only where bodies are cut off at a limit. */
export const KNOWN_TO_LIMITS: Defect = {
  name: "the rest of a body that was cut off is taken for a head",
  file: "message-parser.ts",
  from: "return this.#isInBody ? this.#inBody(state, start) : this.#headDone(state);",
  to: "return state.isInBody ? this.#inBody(state, start) : this.#headDone(state);",
};

/** What Node itself does with it: nobody finds this who only asks `node:http`. */
export const KNOWN_TO_NGINX: Defect = {
  name: "what is behind a request for an upgrade in the same read is dropped, and the connection goes on",
  file: "connection.ts",
  from: "if (request.wantsUpgrade) exchange.keepsAlive = false;",
  to: `if (request.wantsUpgrade && hasBody) exchange.keepsAlive = false;
    else if (request.wantsUpgrade) { this.queue(exchange); owner.serve(exchange); return true; }`,
};

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The engine's module with the defect in it. Throws when the source has no such place, or more than one. */
export async function withDefect(defect: Defect): Promise<typeof import("../../src/http/index.ts")> {
  // Under the package, so that it finds the packages that it needs.
  const folder = mkdtempSync(path.join(ROOT, "node_modules/.planted-"));
  try {
    const outfile = path.join(folder, "engine.mjs");
    let times = 0;
    await build({
      entryPoints: [path.join(ROOT, "src/http/index.ts")],
      bundle: true,
      platform: "node",
      packages: "external",
      format: "esm",
      outfile,
      logLevel: "silent",
      plugins: [
        {
          name: "planted",
          setup(building) {
            building.onLoad({ filter: /[/\\]src[/\\]http[/\\][^/\\]+\.ts$/ }, async (loaded) => {
              const source = await readFile(loaded.path, "utf8");
              if (path.basename(loaded.path) !== defect.file) return { contents: source, loader: "ts" };
              times += source.split(defect.from).length - 1;
              return { contents: source.replace(defect.from, () => defect.to), loader: "ts" };
            });
          },
        },
      ],
    });
    if (times !== 1) throw new Error(`${defect.file} has ${times} places for "${defect.name}"`);
    return (await import(pathToFileURL(outfile).href)) as typeof import("../../src/http/index.ts");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
