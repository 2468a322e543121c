/**
 * `--validate`: the validator stands between the server and an application, and what it finds is a record of the log,
 * with the rule, who broke it, and the stack.
 */

import type { Application } from "../gateway/index.ts";
import { saneRequestId } from "../request-id.ts";
import { logRuleBreach } from "./rule-breach-log.ts";

/** The application behind the validator. Loaded only when it is asked for. Advice is told once a worker. */
export async function validated(application: Application): Promise<Application> {
  const { validator } = await import("../gateway/validator/index.ts");
  const advised = new Set<string>();
  return validator(application, {
    onFinding: (breach, environ) => {
      if (!breach.isError && advised.has(breach.rule)) return;
      if (!breach.isError) advised.add(breach.rule);
      const { REQUEST_METHOD: method, REQUEST_URI: target } = environ;
      logRuleBreach(breach, {
        method,
        path: target?.split("?", 1)[0],
        requestId: saneRequestId(environ.HTTP_X_REQUEST_ID),
      });
    },
  });
}
