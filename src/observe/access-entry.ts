/**
 * One request as a line of the access log sees it, whatever served it. What clients sent is in it as it came, one
 * character a byte; whoever writes it down escapes it.
 */

export interface AccessEntry {
  /** Undefined on a unix socket. */
  readonly address: string | undefined;
  /** "" when no request could be made of what came. */
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
  /** `1.1`, `1.0` or `2.0`. */
  readonly version: string;
  readonly status: number;
  /** Of the reply's body, as given to the connection. */
  readonly bytes: number;
  readonly durationMs: number;
  /** When the reply ended, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** The connection closed before the reply was complete. */
  readonly isCut: boolean;
  /** A header of the request by its lower-case name; undefined where there was none. */
  header(name: string): string | readonly string[] | undefined;
  /** A header of the reply by its lower-case name; undefined where there was none. */
  replyHeader(name: string): string | undefined;
  /** A variable of the environ; undefined where there is none. */
  variable(name: string): string | undefined;
}

/** A line, with its line feed; one character a byte, all of them ASCII where a client had a say. */
export type FormatLine = (entry: AccessEntry) => string;
