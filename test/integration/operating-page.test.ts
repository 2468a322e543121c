/** docs/operating.md as its reader lives it: files are written, commands typed, and seen is what the page shows. */

import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { livePage } from "../support/page-shell.ts";

const PAGE = fileURLToPath(new URL("../../docs/operating.md", import.meta.url));

test("docs/operating.md shows what its commands show", { timeout: 180_000 }, async () => {
  const numbers = new Map([
    ["8000", String(await freePort())],
    ["9000", String(await freePort())],
  ]);
  await livePage(PAGE, numbers);
});
