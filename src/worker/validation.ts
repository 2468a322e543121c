/**
 * `--validate`: the validator stands between the server and an application, and what it finds is a record of the log,
 * with the rule, who broke it, and the stack.
 */

import { reportError } from "../errors.ts";
import type { Application, Environ } from "../gateway/index.ts";
import type { RuleBreach } from "../gateway/validator/index.ts";
import { saneRequestId } from "../request-id.ts";
import { log } from "./channel.ts";

/** The application behind the validator. Loaded only when it is asked for. Advice is told once a worker. */
export async function validated(application: Application): Promise<Application> {
  const { validator } = await import("../gateway/validator/index.ts");
  const advised = new Set<string>();
  return validator(application, {
    onFinding: (breach, environ) => {
      if (!breach.isError && advised.has(breach.rule)) return;
      if (!breach.isError) advised.add(breach.rule);
      logBreach(breach, environ);
    },
  });
}

function logBreach(breach: RuleBreach, environ: Environ): void {
  const { rule, role } = breach;
  const { REQUEST_METHOD: method, REQUEST_URI: target } = environ;
  log(breach.isError ? "error" : "warn", "gateway rule broken", {
    rule,
    by: role,
    method,
    path: target?.split("?", 1)[0],
    requestId: saneRequestId(environ.HTTP_X_REQUEST_ID),
    error: reportError(breach),
  });
}
