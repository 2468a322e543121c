/** What answers where no application is mounted. */

import type { Application } from "../gateway/index.ts";

export const NOBODY: Application = (_environ, startResponse) => {
  startResponse(404, [["Content-Type", "text/plain; charset=utf-8"]]);
  return ["Not Found\n"];
};
