/**
 * The files of a folder in front of an application. The command can do that too, for any kind of application:
 * `--static /=docs/examples/middleware/static-files/public`.
 *
 *   tsgate docs/examples/middleware/static-files/app.js
 *   curl -i -H 'Range: bytes=0-14' http://127.0.0.1:8000/page.html
 */

import { staticFiles } from "tsgate/middleware";

const files = staticFiles({
  directory: new URL("public/", import.meta.url),
  cacheControl: "max-age=3600",
});

export const application = files((environ, startResponse) => {
  startResponse(404, [["Content-Type", "text/plain"]]);
  return ["There is no such file, and the application does not know better.\n"];
});
