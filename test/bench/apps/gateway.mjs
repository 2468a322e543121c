/** The smallest gateway application. */

/** @type {import("../../../src/gateway/types.ts").Application} */
export const application = (_environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return ["hello world\n"];
};
