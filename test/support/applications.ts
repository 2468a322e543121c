/** The source text of applications for a test's project, as one version after another; see test/fixtures. */

const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).href;

export type ApplicationKind = "node" | "express" | "gateway" | "fetch" | "server";

/**
 * The text of an ES module that is an application of this kind: GET / answers with `version`, and so does the
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
    case "fetch":
      return `import { fetchApp } from "${fixture("fetch-app.mjs")}";\nexport default fetchApp("${version}");\n${more}`;
    case "server":
      return `import http from "node:http";\nimport { nodeApp } from "${fixture("node-app.mjs")}";\nhttp.createServer(nodeApp("${version}")).listen(3000);\n${more}`;
  }
}
