/** What the log says of an error that an application has thrown or rejected with. */

import { reportError } from "../errors.ts";
import type { RequestName } from "../gateway/index.ts";
import { log } from "./channel.ts";
import { isRuleBreach, logRuleBreach } from "./rule-breach-log.ts";

export function logApplicationError(error: unknown, { method, path, id }: RequestName): void {
  if (isRuleBreach(error)) return logRuleBreach(error, { method, path, requestId: id });
  log("error", "application error", { method, path, requestId: id, error: reportError(error) });
}
