/**
 * A factory in CommonJS: it is called once in each worker, and may be asynchronous.
 *
 *   tsgate --factory docs/examples/commonjs/app.cjs:createApp
 *   curl -i http://127.0.0.1:8000/
 */

exports.createApp = async function createApp() {
  const madeAt = new Date().toISOString();
  return (request, response) => {
    response.end(`made at ${madeAt} in worker ${process.pid}\n`);
  };
};
