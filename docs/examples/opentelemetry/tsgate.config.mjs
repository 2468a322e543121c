/**
 * Spans of every request of every worker, with OpenTelemetry; none is lost at a reload or at the end.
 *
 *   cd docs/examples/opentelemetry && npm ci
 *   cd docs/examples/opentelemetry && tsgate --workers 2 --import ./instrument.mjs app.js
 *   curl -i http://127.0.0.1:8000/orders
 *
 * The hooks run in the worker, where instrument.mjs is loaded already. The master loads this file too, and must not be
 * instrumented: so they import it when they are called.
 */
export default {
  postWorkerInit: async ({ slot }) => (await import("./instrument.mjs")).tellSlot(slot),
  workerExit: async () => (await import("./instrument.mjs")).flush(),
};
