/**
 * The module that a server under test serves: one gateway application, which is in turn each application of the suite.
 * Which one, the suite says over a socket of its own (GATEWAY_SUITE), so that nothing is asked of the server but to
 * serve. Bundled into one plain file before it is handed over.
 */

import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Application } from "../../../src/gateway/index.ts";
import { validator } from "../../../src/gateway/validator/index.ts";
import { applications, type Probe } from "../applications.ts";
import type { Finding } from "../run-case.ts";
import type { Order, Report } from "./order.ts";

let current: Application = () => {
  throw new Error("the suite has not said yet which application this is");
};
let probe: Probe = [];
let findings: Finding[] = [];

export const application: Application = (...args) => current(...args);
export default application;

const [host = "", port = ""] = (process.env["GATEWAY_SUITE"] ?? "").split(":");
const suite = connect(Number(port), host);
// The suite must not keep a server alive that wants to end, and a suite that ended is no error.
suite.unref();
suite.on("error", () => {});
const lines = createInterface({ input: suite });
// Node hands the socket's errors on to it.
lines.on("error", () => {});
lines.on("line", (line) => {
  const order = JSON.parse(line) as Order;
  if (order.become !== undefined) become(order.become.application, order.become.isValidated);
  const report: Report = {
    probe,
    findings: findings.map(({ rule, role, isError, message }) => ({ rule, role, isError, message })),
  };
  suite.write(`${JSON.stringify(report)}\n`);
});

function become(name: string, isValidated: boolean): void {
  // Each has lists of its own: what an application notes late is not the next one's.
  const [ownProbe, ownFindings]: [Probe, Finding[]] = [[], []];
  probe = ownProbe;
  findings = ownFindings;
  const make = applications[name];
  if (make === undefined) throw new Error(`there is no application ${name}`);
  const plain = make(ownProbe);
  current = isValidated ? validator(plain, { onFinding: (breach) => void ownFindings.push(breach) }) : plain;
}
