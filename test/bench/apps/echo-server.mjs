/** The application of echo.mjs over the engine alone: `node echo-server.mjs MODULE PORT`. */

import { application } from "./echo.mjs";

const [module = "", port = ""] = process.argv.slice(2);
/** @type {typeof import("../../../src/http/index.ts")} */
const { serve } = await import(module);
await serve(application, { port: Number(port) });
