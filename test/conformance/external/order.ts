/** What the suite and the module that it is served by say to each other: one JSON object a line, an order and its report. */

import type { Finding } from "../run-case.ts";

export interface Order {
  /** Be this application from now on; absent: only report. */
  readonly become?: { readonly application: string; readonly isValidated: boolean };
}

export interface Report {
  readonly probe: readonly string[];
  readonly findings: readonly Finding[];
}
