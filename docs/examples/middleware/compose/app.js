/**
 * A stack of middleware: the first sees the request first and the reply last.
 *
 *   tsgate docs/examples/middleware/compose/app.js
 *   curl -i http://127.0.0.1:8000/missing
 */

import { compose, errorPages, securityHeaders } from "tsgate/middleware";

const stack = compose(securityHeaders(), errorPages());

export const application = stack((environ, startResponse) => {
  const isHome = environ.PATH_INFO === "/";
  startResponse(isHome ? 200 : 404, [["Content-Type", "text/plain"]]);
  return [isHome ? "Hello\n" : "not here\n"];
});
