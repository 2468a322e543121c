/**
 * Two middlewares of one's own: one rewrites the request, one the reply. A body is rewritten chunk by chunk, while it is
 * sent: `mapChunks` keeps the rules that docs/middleware.md explains.
 *
 *   tsgate docs/examples/middleware/rewriting/app.js
 *   curl -i http://127.0.0.1:8000/old/path
 */

import { compose, mapChunks, onReply } from "tsgate/middleware";

/** What used to be under /old is under /new. */
function movedPaths(application) {
  return (environ, startResponse) => {
    const { PATH_INFO: path } = environ;
    if (path === "/old" || path.startsWith("/old/")) environ.PATH_INFO = `/new${path.slice("/old".length)}`;
    return application(environ, startResponse);
  };
}

/** Plain text in capitals. Its length may change with that: "ß" becomes "SS". */
function shouting(application) {
  return (environ, startResponse) =>
    onReply(application, environ, startResponse, ({ status, headers, body }) => {
      if (!headers.some(([name, value]) => /^content-type$/i.test(name) && value.startsWith("text/plain")))
        return { status, headers, body };
      const decoder = new TextDecoder();
      const upper = (chunk) =>
        (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })).toUpperCase();
      return {
        status,
        headers: headers.filter(([name]) => !/^(content-length|etag)$/i.test(name)),
        body: mapChunks(body, upper, () => decoder.decode().toUpperCase()),
      };
    });
}

const stack = compose(movedPaths, shouting);

export const application = stack((environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain; charset=utf-8"]]);
  return ["you asked for ", `${environ.PATH_INFO}\n`];
});
