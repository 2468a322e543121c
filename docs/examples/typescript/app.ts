/**
 * A gateway application in TypeScript. Node runs it as it is from 22.18 on; on Node 20 give `--import tsx`.
 *
 *   tsgate docs/examples/typescript/app.ts
 *   curl -d 'to be counted' http://127.0.0.1:8000/
 */

import { defineApplication } from "tsgate";

export default defineApplication(async (environ, startResponse) => {
  let bytes = 0;
  for await (const chunk of environ["gateway.input"]) bytes += chunk.length;
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [`${environ.REQUEST_METHOD} with ${bytes} bytes\n`];
});
