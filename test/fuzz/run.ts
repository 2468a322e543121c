/**
 * A longer campaign than the suite's: `npm run fuzz -- [--cases N] [--seed N] [--nginx]`. Ends with 1 when something was
 * found.
 */

import { parseArgs } from "node:util";
import { Engine } from "../../src/http/index.ts";
import { run } from "./campaign.ts";
import { Nginx } from "./nginx.ts";
import { engineReader, nodeReader } from "./servers.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    nginx: { type: "boolean", default: false },
  },
});

const nginx = values.nginx ? await Nginx.start() : undefined;
const begun = performance.now();
const outcome = await run({
  seed: Number(values.seed),
  cases: Number(values.cases),
  engine: engineReader(Engine),
  node: nodeReader(),
  nginx: nginx?.read,
});
await nginx?.stop();
const { findings, ...numbers } = outcome;
const seconds = Math.round((performance.now() - begun) / 1000);
const versions = { node: process.version, nginx: nginx?.version };
console.log(JSON.stringify({ ...versions, seed: Number(values.seed), seconds, ...numbers }));
for (const finding of findings.slice(0, 20)) console.log(JSON.stringify(finding));
console.log(`${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
