/** What the log says of an error that an application has thrown or rejected with. */

import type { IncomingMessage } from "node:http";
import { reportError } from "../errors.ts";
import type { RequestName } from "../gateway/index.ts";
import { withoutQuery } from "../gateway/request-target.ts";
import { REQUEST_ID_HEADER, saneRequestId } from "../request-id.ts";
import { log } from "./channel.ts";
import { targetAsSent } from "./mounted-listeners.ts";
import { isRuleBreach, logRuleBreach } from "./rule-breach-log.ts";

export function logApplicationError(error: unknown, { method, path, id }: RequestName): void {
  if (isRuleBreach(error)) return logRuleBreach(error, { method, path, requestId: id });
  log("error", "application error", { method, path, requestId: id, error: reportError(error) });
}

/** What it says of a request of Node's own. */
export function nameOf(request: IncomingMessage): RequestName {
  const { method = "", headers } = request;
  return { method, path: withoutQuery(targetAsSent(request)), id: saneRequestId(headers[REQUEST_ID_HEADER]) };
}
