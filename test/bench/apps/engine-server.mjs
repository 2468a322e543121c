/** The same answers as bare-http.cjs, from the engine: `node engine-server.mjs MODULE gateway|fetch PORT`. */

const [module = "", kind = "", port = ""] = process.argv.slice(2);
/** @type {typeof import("../../../src/http/index.ts") & typeof import("../../../src/gateway/fetch/index.ts")} */
const { serve, fetchApplication, installLightClasses } = await import(module);

/** @type {import("../../../src/index.ts").Application} */
const gateway = (environ, startResponse) => {
  startResponse(200, [["Content-Type", "text/plain"]]);
  return ["hello world\n"];
};

/** @type {import("../../../src/index.ts").Application} */
const json = async (environ, startResponse) => {
  const body = await environ["gateway.input"].read();
  startResponse(200, [["Content-Type", "text/plain"]]);
  return [String(JSON.parse(Buffer.from(body).toString()).items.length)];
};

/** @param {Request} request */
const handler = (request) => {
  if (request.method === "GET") return new Response("hello world\n");
  return request.json().then((/** @type {any} */ value) => new Response(String(value.items.length)));
};

if (kind === "fetch") installLightClasses();
const application =
  kind === "fetch"
    ? fetchApplication(handler)
    : /** @type {typeof gateway} */ (
        (environ, startResponse) =>
          environ.REQUEST_METHOD === "GET" ? gateway(environ, startResponse) : json(environ, startResponse)
      );
await serve(application, { port: Number(port) });
