/** The framework matrix, first half: frameworks whose application is exported and served by tsgate's own server. */

import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FRAMEWORKS } from "../frameworks/frameworks.ts";
import { describeFramework } from "../frameworks/matrix.ts";
import { linkTo, rowsOfPage } from "../frameworks/page.ts";
import { EXAMPLES } from "../support/examples.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("every example of the matrix is run and has its row", () => {
  const folders = readdirSync(path.join(EXAMPLES, "frameworks"));
  expect(FRAMEWORKS.map(({ folder }) => folder).toSorted()).toEqual(folders.toSorted());
  expect(rowsOfPage().map(([first]) => first)).toEqual(FRAMEWORKS.map(({ folder }) => linkTo(folder)));
});

for (const framework of FRAMEWORKS) {
  if (framework.isHeavy !== true && framework.packageName !== undefined && framework.interface !== "server")
    describeFramework(framework, { cwd: ROOT, packages: ROOT });
}
