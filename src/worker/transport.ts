/** Which transport serves an application of which kind, and why: said in the log when the application is found. */

import type { ApplicationKind } from "../config/setting-row.ts";

export interface ChosenTransport {
  readonly transport: string;
  readonly transportReason: string;
}

/** The transport of a kind, with the reason in a few words. */
export function transportFor(kind: ApplicationKind): ChosenTransport {
  return { transport: "node:http", transportReason: REASONS[kind] };
}

const BY_ANY = "it serves every kind of application";
const REASONS: Readonly<Record<ApplicationKind, string>> = {
  gateway: BY_ANY,
  fetch: BY_ANY,
  wsgi: BY_ANY,
  node: "the application takes Node's own request and response",
  server: "the application brings a server of its own",
};
