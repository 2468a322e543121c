/** docs/middleware.md as its reader lives it: files are written, commands typed, and seen is what the page shows. */

import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { livePage } from "../support/page-shell.ts";

const PAGE = fileURLToPath(new URL("../../docs/middleware.md", import.meta.url));

test("docs/middleware.md shows what its commands show", { timeout: 60_000 }, async () => {
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const numbers = new Map([
    ["8000", String(ports[0])],
    ["8001", String(ports[1])],
    ["8002", String(ports[2])],
  ]);
  await livePage(PAGE, numbers, ["tsgate"]);
});
