/** docs/django.md as its reader lives it, on Debian's Python: another may stand first in the path, and lack Django. */

import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { lacksModule } from "../support/django.ts";
import { freePort } from "../support/free-port.ts";
import { livePage } from "../support/page-shell.ts";
import { describeUnless } from "../support/peers.ts";
import { PYTHON } from "../support/wsgi.ts";

const PAGE = fileURLToPath(new URL("../../docs/django.md", import.meta.url));
const missing = await lacksModule("django", "python3-django");

describeUnless(missing, "docs/django.md", () => {
  test("shows what its commands show", { timeout: 180_000 }, async () => {
    await livePage(PAGE, new Map([["8000", String(await freePort())]]), [], { python3: PYTHON });
  });
});
