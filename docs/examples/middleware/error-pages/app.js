/**
 * Pages in the place of bare error replies, and of what the application throws. The error itself goes to the log, and
 * not to the client.
 *
 *   tsgate docs/examples/middleware/error-pages/app.js
 *   curl -i http://127.0.0.1:8000/broken
 */

import { errorPages } from "tsgate/middleware";

const withPages = errorPages({
  render: ({ status, reason }) => `<!doctype html><title>${reason}</title><h1>Sorry: ${status} ${reason}</h1>\n`,
});

export const application = withPages((environ, startResponse) => {
  if (environ.PATH_INFO === "/broken") throw new Error("the database is away");
  const isHome = environ.PATH_INFO === "/";
  startResponse(isHome ? 200 : 404, [["Content-Type", "text/plain"]]);
  return [isHome ? "Hello\n" : ""];
});
