/** Every Python that tsgate is for: each that is found runs a bare callable, and what ships is read as the oldest reads it. */

import { execFileSync } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ask } from "../support/ask.ts";
import { describeWithPeers } from "../support/peers.ts";
import { startTsgate } from "../support/tsgate.ts";
import { PYTHON, PYTHON_PEER, WSGI_APPS } from "../support/wsgi.ts";

const OLDEST = 9;
const NEWEST = 15;
const SHIPPED = fileURLToPath(new URL("../../src/python", import.meta.url));
/** Where they are looked for: `TSGATE_TEST_PYTHONS` names folders before those of `PATH`. */
const FOLDERS = [process.env["TSGATE_TEST_PYTHONS"], process.env["PATH"]].flatMap((list) => list?.split(":") ?? []);
const VERSIONS = Array.from({ length: NEWEST - OLDEST + 1 }, (_, index) => `python3.${OLDEST + index}`);

describe("a bare callable is served by", () => {
  for (const name of VERSIONS) {
    const python = found(name);
    const title = python === undefined ? `${name} (not found)` : name;
    test.skipIf(python === undefined)(title, async () => {
      const args = ["--python", python ?? "", "--python-threads", "2", "--workers", "1", "--bind", "127.0.0.1:0"];
      const server = startTsgate([...args, "letter:validated"], { cwd: WSGI_APPS });
      await server.waitForReady(1);
      const { found: words } = await server.waitForRecord("application found");
      expect(words).toContain(`Python ${name.slice("python".length)}.`);
      const url = await server.url();
      const body = "x".repeat(3_000_000);
      const digest = await (await fetch(`${url}/digest`, { method: "POST", body })).text();
      expect(digest).toMatch(/^3000000 /);
      expect(await (await fetch(`${url}/large?4194304`)).text()).toHaveLength(4_194_304);
      expect((await fetch(`${url}/raises`)).status).toBe(500);
      const { error } = await server.waitForRecord({ msg: "application error", path: "/raises" });
      expect((error as { stack: string }).stack).toMatch(/in raises\n/);
      await ask(await server.target(), "/writes-errors");
      await server.waitForRecord({ msg: "wsgi.errors", text: "first line" });
      server.signal("SIGTERM");
      expect(await server.exited).toEqual({ code: 0, signal: null });
      expect(server.log.otherLines).toEqual([]);
    });
  }
});

describeWithPeers("the Python that ships", [PYTHON_PEER], () => {
  test("is read by the oldest that it is for", () => {
    const files = readdirSync(SHIPPED, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".py"));
    expect(files.length).toBeGreaterThan(5);
    const read = `import ast, sys\nfor f in sys.argv[1:]: ast.parse(open(f).read(), f, feature_version=(3, ${OLDEST}))`;
    execFileSync(PYTHON, ["-c", read, ...files.map((file) => path.join(SHIPPED, file))]);
  });

  test("says that an older one is too old in words that one understands", () => {
    const read = "import ast, sys\nast.parse(open(sys.argv[1]).read(), feature_version=(3, 4))";
    execFileSync(PYTHON, ["-c", read, path.join(SHIPPED, "start.py")]);
  });
});

/** Its path, if it is there and runs: a folder of shims has names of versions that are not. */
function found(name: string): string | undefined {
  return FOLDERS.map((folder) => path.join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return execFileSync(file, ["--version"], { encoding: "utf8", stdio: "pipe" }).includes(name.slice(6));
    } catch {
      return false;
    }
  });
}
