/**
 * `startResponse` with the rules of calling it (docs/gateway.md, chapter "startResponse"): how often, with what, and
 * what the server makes of it.
 */

import { kindOf } from "../response-headers.ts";
import type { StartResponse } from "../types.ts";
import type { Findings } from "./breach.ts";
import { type CheckedHead, checkHead } from "./head-check.ts";

export class WatchedStart {
  /** What the application asked for last; undefined until it did. */
  head: CheckedHead | undefined;
  /** A non-empty chunk was given to the server, and it has come back for the next: the head must have been sent. */
  isSent = false;
  /** The server threw the application's error back at it: nothing may follow. */
  wasRethrown = false;
  private wasCalled = false;
  private readonly findings: Findings;
  private readonly server: StartResponse;

  constructor(server: StartResponse, findings: Findings) {
    this.server = server;
    this.findings = findings;
  }

  /** What the application gets. */
  readonly call = (...args: unknown[]): void => {
    const { findings, call } = this;
    const error = this.errorOf(args);
    if (this.wasCalled && error === undefined) {
      throw findings.breach(
        "S-2",
        "application",
        "the application called startResponse again, without { error }",
        call,
      );
    }
    this.wasCalled = true;
    const checked = checkHead(args[0], args[1]);
    if ("rule" in checked) throw findings.breach(checked.rule, "application", checked.message, call);
    try {
      this.server(...(args as Parameters<StartResponse>));
    } catch (thrown) {
      this.wasRethrown = error !== undefined && thrown === error;
      throw thrown;
    }
    if (this.isSent && error !== undefined) {
      throw findings.breach(
        "S-13",
        "server",
        "the server took { error } after the head was sent, and did not throw it again",
      );
    }
    this.head = checked;
  };

  private errorOf(args: readonly unknown[]): unknown {
    const { findings, call } = this;
    const [, , options] = args;
    if (args.length < 2 || args.length > 3) {
      const given = `the application called startResponse with ${args.length} arguments`;
      throw findings.breach("S-3", "application", `${given}; it takes status, headers and { error }`, call);
    }
    if (options === undefined) return undefined;
    if (typeof options !== "object" || options === null || options instanceof Error) {
      throw findings.breach(
        "S-3",
        "application",
        `startResponse was given ${kindOf(options)} in the place of { error }`,
        call,
      );
    }
    return (options as { error?: unknown }).error;
  }
}
