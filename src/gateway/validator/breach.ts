/**
 * What the validator finds: a rule of docs/gateway.md, who broke it, and how. A breach that somebody is there to be told
 * of is thrown at them, and their stack is in it; the others are only reported.
 */

/** Who broke a rule. Middleware is an application to the server in front of it and a server to what is behind it. */
export type Role = "server" | "application";

/** A rule of the gateway was broken. Its message begins with the number of the rule. */
export class RuleBreach extends Error {
  override readonly name = "RuleBreach";
  /** The number of the rule in docs/gateway.md: `S-4`. */
  readonly rule: string;
  readonly role: Role;
  /** False for advice: the rule says SHOULD, and nothing is refused for it. */
  readonly isError: boolean;

  constructor(rule: string, role: Role, message: string, isError = true) {
    super(`${rule}: ${message}`);
    this.rule = rule;
    this.role = role;
    this.isError = isError;
  }
}

/** Told of every breach once, thrown or not. What it throws has no effect. */
export type FindingListener = (breach: RuleBreach) => void;

/** The breaches of one call. */
export class Findings {
  /** The first of the application's own that was thrown at it: its response cannot be trusted, even if it hides that. */
  broken: RuleBreach | undefined;
  private readonly listener: FindingListener;

  constructor(listener: FindingListener) {
    this.listener = listener;
  }

  /** Reports a breach, for the caller to throw. `below`: the function whose caller is at fault; its stack begins there. */
  breach(rule: string, role: Role, message: string, below?: (...args: never) => unknown): RuleBreach {
    const breach = new RuleBreach(rule, role, message);
    if (below !== undefined) Error.captureStackTrace(breach, below);
    if (role === "application") this.broken ??= breach;
    this.tell(breach);
    return breach;
  }

  /** Reports a breach that nobody can be told of by a throw. */
  note(rule: string, role: Role, message: string): void {
    this.tell(new RuleBreach(rule, role, message));
  }

  /** Reports that a SHOULD was not followed. */
  advise(rule: string, role: Role, message: string): void {
    this.tell(new RuleBreach(rule, role, message, false));
  }

  private tell(breach: RuleBreach): void {
    try {
      this.listener(breach);
    } catch {
      // Whoever reports must not change what the client gets.
    }
  }
}
