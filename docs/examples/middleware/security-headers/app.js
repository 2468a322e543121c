/**
 * Headers that tell browsers to be careful; one with a value of one's own, one left out.
 *
 *   tsgate docs/examples/middleware/security-headers/app.js
 *   curl -i http://127.0.0.1:8000/
 */

import { securityHeaders } from "tsgate/middleware";

const careful = securityHeaders({
  contentSecurityPolicy: "default-src 'self'; frame-ancestors 'none'",
  frameOptions: false,
});

export const application = careful((environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/html; charset=utf-8"]]);
  return ["<!doctype html><title>Hello</title><p>Hello\n"];
});
