/** Loaded into each worker before anything else (`--import`), so that it is there when `node:http` is first asked for. */

import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

/** One line of JSON a span, on the standard output. To send them to a collector put an `OTLPTraceExporter` here. */
const exporter = {
  export(spans, done) {
    const lines = spans.map((span) => {
      const { name, parentSpanContext, attributes, resource } = span;
      const ids = { ...span.spanContext(), parentSpanId: parentSpanContext?.spanId };
      return `${JSON.stringify({ span: name, ...ids, attributes, resource: resource.attributes })}\n`;
    });
    // Done when it is written: the process ends soon after the last flush.
    process.stdout.write(lines.join(""), (error) => done(error ? { code: 1, error } : { code: 0 }));
  },
  async shutdown() {},
};

/** The slot is not known yet: tsgate.config.mjs tells it. Spans wait for it before they are exported. */
let tellSlot;
const slot = new Promise((resolve) => {
  tellSlot = resolve;
});
export { tellSlot };

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "shop", "process.pid": process.pid, "tsgate.slot": slot }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

/** Exports what is still waiting; for the end of the worker. */
export const flush = () => provider.shutdown();
