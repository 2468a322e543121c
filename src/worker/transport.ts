/** Which transport serves the applications of a worker, and why: said in the log when they are found. */

import type { ApplicationKind } from "../config/setting-row.ts";
import type { TransportName } from "../config/types.ts";

export interface ChosenTransport {
  readonly transport: "engine" | "node:http";
  /** In a few words. */
  readonly transportReason: string;
}

/** What has to be known of an application. */
interface Served {
  readonly text: string;
  readonly value: { readonly interface: ApplicationKind };
}

/** The transport of all of `applications`; a problem where `wanted` cannot serve them, in one sentence. */
export function chooseTransport(
  applications: readonly Served[],
  wanted: TransportName,
): ChosenTransport | { readonly problem: string } {
  const needing = applications.find((application) => needOf(application) !== undefined);
  const need = needing && needOf(needing);
  if (needing !== undefined && need !== undefined) {
    if (wanted !== "engine") return { transport: "node:http", transportReason: need };
    return { problem: `transport engine cannot serve ${needing.text}: ${need}; leave it out, or say node` };
  }
  if (wanted === "node") return { transport: "node:http", transportReason: "the setting transport asks for it" };
  return wanted === "engine" ? { transport: "engine", transportReason: "the setting transport asks for it" } : USUAL;
}

/** Why Node's own HTTP server has to serve it; undefined where the engine can. */
function needOf({ value }: Served): string | undefined {
  if (value.interface === "server") return "the application brings a server of its own";
  return value.interface === "node" ? "the application takes Node's own request and response" : undefined;
}

/** Where both could. */
const USUAL: ChosenTransport = {
  transport: "engine",
  transportReason: "the application is called through the gateway alone",
};
