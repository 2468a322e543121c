/** The reply to one request, for tests that want its body. */

import { requestOnce } from "./traffic.ts";
import type { RequestShape, Target } from "./traffic.ts";

/** The body of the reply to `GET path`. Throws unless the reply came whole and with a status below 400. */
export async function ask(target: Target, path = "/", shape: RequestShape = {}): Promise<string> {
  const { outcome, detail, reply } = await requestOnce(target, { ...shape, path });
  if (outcome !== "ok" || reply === undefined) throw new Error(`GET ${path}: ${outcome} ${detail}`);
  return reply.body.toString();
}
