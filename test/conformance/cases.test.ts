/** Every case under `cases/` against every transport, with and without the validator in between. */

import { describe, test } from "vitest";
import { validator } from "../../src/gateway/validator/index.ts";
import { applications, type Probe } from "./applications.ts";
import { loadCases } from "./case.ts";
import { type Finding, runCase } from "./run-case.ts";
import { transports } from "./transports.ts";

const runs = transports.flatMap((transport) => [
  { transport, how: "alone", isValidated: false },
  { transport, how: "through the validator", isValidated: true },
]);

describe.each(runs)("over $transport.name, $how:", ({ transport, isValidated }) => {
  test.each(loadCases().map((each) => [each.name, each] as const))("%s", async (_, wanted) => {
    const makeApplication = applications[wanted.application];
    if (makeApplication === undefined) throw new Error(`there is no application ${wanted.application}`);
    const probe: Probe = [];
    const findings: Finding[] = [];
    const plain = makeApplication(probe);
    const application = isValidated ? validator(plain, { onFinding: (breach) => findings.push(breach) }) : plain;
    const server = await transport.start(application);
    const traces = () => ({ probe, findings: isValidated ? findings : undefined, errors: server.errors.map(String) });
    try {
      await runCase(wanted, { port: server.port, traces });
    } finally {
      await server.stop();
    }
  });
});
