/**
 * A case of the suite: `NAME.http` is sent as it is, byte by byte, and `NAME.json` says which application answers, which
 * rules of docs/gateway.md that proves, and what the client must see.
 */

import { readdirSync, readFileSync } from "node:fs";

export interface ExpectedResponse {
  /** A list: one of them. */
  readonly status: number | readonly number[];
  readonly reason?: string;
  /** The value of each header named; null: it must not be there; a list: it comes that often. */
  readonly headers?: Readonly<Record<string, string | null | readonly string[]>>;
  readonly body?: string;
  /** What the body holds as JSON, at least; null: that key must not be there. */
  readonly json?: Readonly<Record<string, string | null>>;
  /** Default true; false: the connection must go before the response is whole. */
  readonly complete?: boolean;
}

export interface CaseFile {
  /** The rules that it proves. */
  readonly rules: readonly string[];
  /** A key of `applications`. */
  readonly application: string;
  /** The rule that the application breaks: through the validator the case ends otherwise. */
  readonly breaks?: string;
  readonly responses: readonly ExpectedResponse[];
  /** Sent when the server has sent `seen`. */
  readonly then?: { readonly seen: string; readonly send: string };
  /** The client goes away when the server has sent this; there are no responses then. */
  readonly leavesAfter?: string;
  /** How many clients do the same at once; default 1. */
  readonly clients?: number;
  /**
   * Whether the connection serves another request afterwards, is closed, or is reset (whatever came before that); absent
   * where the client leaves, and where that is the server's choice.
   */
  readonly connection?: "open" | "closed" | "reset";
  /** What the messages of the errors that are reported contain; default none. */
  readonly errors?: readonly string[];
  /** What the application's probe holds in the end; default nothing. */
  readonly probe?: readonly string[];
}

export interface Case extends CaseFile {
  readonly name: string;
  readonly request: Buffer;
}

/** All of them, by name. */
export function loadCases(): readonly Case[] {
  const folder = new URL("cases/", import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .toSorted()
    .map((file) => {
      const name = file.slice(0, -".json".length);
      const content = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as CaseFile;
      return { ...content, name, request: readFileSync(new URL(`${name}.http`, folder)) };
    });
}
