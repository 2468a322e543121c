/** The same behind five small middlewares: three that ship, two as people write them. */

import { application as hello } from "./gateway.mjs";

/** As it ships. @type {typeof import("../../../src/gateway/middleware/index.ts")} */
const shipped = await import(new URL("../../../dist/gateway/middleware/index.js", import.meta.url).href);
const { compose, compression, errorPages, securityHeaders } = shipped;

/** @type {import("../../../src/gateway/middleware/index.ts").Middleware} */
const movedPaths = (application) => (environ, startResponse) => {
  if (environ.PATH_INFO.startsWith("/old/")) environ.PATH_INFO = environ.PATH_INFO.slice(4);
  return application(environ, startResponse);
};

/** @type {import("../../../src/gateway/middleware/index.ts").Middleware} */
const named = (application) => (environ, startResponse) =>
  application(environ, (status, headers, options) =>
    startResponse(status, [...headers, ["X-Worker-Pid", String(process.pid)]], options),
  );

export const application = compose(errorPages(), securityHeaders(), compression(), movedPaths, named)(hello);
