/** Why an address cannot be listened on, in words: said by the master when it binds and by a worker when it listens. */

import { hasCode, messageOf } from "./errors.ts";

/** The second half of the sentence `cannot listen on ADDRESS: …`. */
export function bindProblem(error: unknown): string {
  if (hasCode(error, "EADDRINUSE")) return "the address is already in use";
  if (hasCode(error, "EACCES")) return "permission denied";
  if (hasCode(error, "EADDRNOTAVAIL")) return "this machine has no such address";
  if (hasCode(error, "ENOTFOUND") || hasCode(error, "EAI_AGAIN")) return "the host name is not known";
  if (hasCode(error, "EBADF")) return "there is no such descriptor";
  if (hasCode(error, "EINVAL") || hasCode(error, "ENOTSOCK")) return "the descriptor is not a socket that can listen";
  return messageOf(error);
}
