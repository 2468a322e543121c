/**
 * Middleware that holds both sides to the rules of docs/gateway.md, as wsgiref.validate does for WSGI: the server in
 * front of it and the application behind it. Put before and behind a middleware, it judges that too. It changes nothing
 * of a request that keeps the rules.
 */

import { isThenable } from "../body.ts";
import { kindOf } from "../response-headers.ts";
import type { Application, Body, Environ, StartResponse } from "../types.ts";
import { Findings, type RuleBreach } from "./breach.ts";
import { checkEnviron } from "./environ-check.ts";
import { ledgerOf, settle, watchGarbage } from "./unclosed.ts";
import { watchBody } from "./watched-body.ts";
import { WatchedInput } from "./watched-input.ts";
import { WatchedStart } from "./watched-start.ts";
import { watchedErrors, watchedFileWrapper, watchedHints } from "./watched-tools.ts";

export interface ValidatorOptions {
  /**
   * Told of every breach once, also of those that are thrown. Without it a breach that is not thrown (a body that was
   * never closed, advice) goes to `gateway.errors`, where the server puts those that are.
   */
  readonly onFinding?: (breach: RuleBreach, environ: Environ) => void;
}

/**
 * An application that answers as `application` does as long as both sides keep the rules. A breach is thrown as a
 * `RuleBreach` at whoever committed it; the response of an application that broke a rule fails, even if it hides that.
 */
export function validator(application: Application, options: ValidatorOptions = {}): Application {
  if (typeof application !== "function") {
    throw new TypeError(`validator takes an application (environ, startResponse) => body, not ${kindOf(application)}`);
  }
  return (...args: unknown[]) => {
    const [environ, startResponse] = args as [Environ, StartResponse];
    const findings = new Findings((breach) => report(breach, environ, options));
    if (args.length !== 2 || typeof startResponse !== "function") {
      throw findings.breach(
        "R-1",
        "server",
        "the application was not called with an environ and a function startResponse",
      );
    }
    checkEnviron(environ, findings);
    return new WatchedCall(environ, startResponse, findings).run(application);
  };
}

class WatchedCall {
  private readonly environ: Environ;
  private readonly findings: Findings;
  private readonly start: WatchedStart;
  private readonly isHead: boolean;
  private readonly ledger: ReturnType<typeof ledgerOf>;

  constructor(environ: Environ, startResponse: StartResponse, findings: Findings) {
    this.environ = environ;
    this.findings = findings;
    this.start = new WatchedStart(startResponse, findings);
    // Now, because middleware behind may make a GET of it.
    this.isHead = environ.REQUEST_METHOD === "HEAD";
    this.ledger = ledgerOf(environ);
    watchTools(environ, findings);
  }

  run(application: Application): Body | PromiseLike<Body> {
    const result: unknown = application(this.environ, this.start.call);
    return isThenable(result) ? result.then((body) => this.watch(body)) : this.watch(result);
  }

  private watch(result: unknown): Body {
    const { start, findings, isHead, ledger } = this;
    const onClosed = (): void => {
      if (ledger.isFirst) settle(ledger.entries);
    };
    const { body, entry } = watchBody(result, { start, findings, isHead, onClosed });
    ledger.entries.add(entry);
    watchGarbage(body, entry);
    return body;
  }
}

function watchTools(environ: Environ, findings: Findings): void {
  environ["gateway.input"] = new WatchedInput(environ["gateway.input"], environ.CONTENT_LENGTH, findings);
  environ["gateway.errors"] = watchedErrors(environ["gateway.errors"], findings);
  environ["gateway.early_hints"] = watchedHints(environ["gateway.early_hints"], findings);
  environ["gateway.file_wrapper"] = watchedFileWrapper(environ["gateway.file_wrapper"], findings);
}

function report(breach: RuleBreach, environ: Environ, { onFinding }: ValidatorOptions): void {
  if (onFinding !== undefined) onFinding(breach, environ);
  else if (!breach.isError || breach.rule.startsWith("C-")) environ["gateway.errors"].write(`${breach.message}\n`);
}
