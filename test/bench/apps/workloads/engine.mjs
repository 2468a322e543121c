/** The comparison's application on the engine alone, in one process: `node engine.mjs MODULE gateway|fetch`, on `$PORT`. */

const [module = "", kind = ""] = process.argv.slice(2);
/** @type {typeof import("../../../../src/http/index.ts") & typeof import("../../../../src/gateway/fetch/index.ts")} */
const { serve, fetchApplication, installLightClasses } = await import(module);

/** The limits that are on by default, or none: what they cost. */
const NONE = {
  requestLine: 0,
  requestFields: 0,
  requestFieldSize: 0,
  pipelined: 0,
  keepAliveMs: 0,
  headersMs: 0,
  bodyMs: 0,
  sendMs: 0,
};

if (kind === "fetch") installLightClasses();
const application =
  kind === "fetch"
    ? fetchApplication((await import("./fetch.mjs")).default.fetch)
    : (await import(process.env["WORKLOAD"] === "idle" ? "../idle.mjs" : "./gateway.mjs")).application;
await serve(application, {
  port: Number(process.env["PORT"] ?? process.argv[4]),
  limits: process.env["LIMITS"] === "off" ? NONE : {},
});
