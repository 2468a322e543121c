/**
 * The smallest gateway application: `(environ, startResponse) => body`.
 *
 *   tsgate --workers 4 docs/examples/hello/app.js
 *   curl -i http://127.0.0.1:8000/
 */

/** @type {import("tsgate").Application} */
export function application(environ, startResponse) {
  const body = `Hello from worker ${process.pid}, you asked for ${environ.PATH_INFO}\n`;
  startResponse(200, [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Length", String(Buffer.byteLength(body))],
    ["X-Worker-Pid", String(process.pid)],
  ]);
  return [body];
}
