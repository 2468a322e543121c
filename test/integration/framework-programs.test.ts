/** The framework matrix, second half: programs that have a server of their own, and what needs no framework. */

import { fileURLToPath } from "node:url";
import { FRAMEWORKS } from "../frameworks/frameworks.ts";
import { describeFramework } from "../frameworks/matrix.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

for (const framework of FRAMEWORKS) {
  if (framework.isHeavy !== true && (framework.packageName === undefined || framework.interface === "server"))
    describeFramework(framework, { cwd: ROOT, packages: ROOT });
}
