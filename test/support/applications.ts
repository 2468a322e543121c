/** The source text of applications for a test's project, as one version after another; see test/fixtures. */

const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).href;

export type ApplicationKind = "node" | "express" | "gateway";

/**
 * The text of an ES module that exports an application of this kind: GET / answers with `version`, and so does the
 * header `x-version`. `more` is code behind it.
 */
export function application(kind: ApplicationKind, version: string, more = ""): string {
  switch (kind) {
    case "node":
      return `import { nodeApp } from "${fixture("node-app.mjs")}";\nexport default nodeApp("${version}");\n${more}`;
    case "express":
      return `import { expressApp } from "${fixture("express-app.mjs")}";\nexport default expressApp("${version}");\n${more}`;
    case "gateway":
      return `import { gatewayApp } from "${fixture("gateway-app.mjs")}";\nexport const application = gatewayApp("${version}");\n${more}`;
  }
}
