/**
 * A name and a password for everything behind it. What is secret comes from the environment; over anything but TLS it
 * is readable on the way.
 *
 *   tsgate --env ADMIN_PASSWORD=open-sesame docs/examples/middleware/basic-authentication/app.js
 *   curl -i -u admin:open-sesame http://127.0.0.1:8000/
 */

import { basicAuthentication } from "tsgate/middleware";

const onlyAdmins = basicAuthentication({
  users: { admin: process.env.ADMIN_PASSWORD },
  realm: "administration",
});

export const application = onlyAdmins((environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain; charset=utf-8"]]);
  return [`Hello ${environ.REMOTE_USER}\n`];
});
