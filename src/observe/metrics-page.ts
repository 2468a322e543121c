/**
 * The text of `docs/metrics.md`, made from the table of metrics; a test fails when the page is stale. Used by that test
 * and by no part of the server.
 */

import { METRICS } from "./server-metrics.ts";

/** The whole page, in Markdown, with a line feed at its end. */
export function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, { type, labels, help }]) => {
    const named = labels.length === 0 ? "–" : labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${named} | ${help} |`;
  });
  return [HEAD, "| metric | type | labels | meaning |", "|---|---|---|---|", ...rows, TAIL].join("\n");
}

const HEAD = `# Metrics

Made from the table in \`src/observe/server-metrics.ts\` by \`npm run docs\`; a test fails when this page is stale, and
another when a server shows other metrics than these.

With \`--admin-bind ADDRESS\` the master answers \`/metrics\` in the text format of Prometheus (0.0.4):

\`\`\`
tsgate --admin-bind 127.0.0.1:9000 app.js
curl http://127.0.0.1:9000/metrics
\`\`\`

\`\`\`yaml
scrape_configs:
  - job_name: tsgate
    static_configs:
      - targets: ["127.0.0.1:9000"]
\`\`\`

Without it nothing is counted, and a request costs what it cost before. [operating-endpoints.md](operating-endpoints.md)
says who can read what.

## What tsgate counts

Numbers of the whole server, as it was when the workers last reported: each second, while nothing happens every five.
A server with a \`--name\` has it as the label \`name\` of each of these metrics.
`;

const TAIL = `
- **Workers come and go, what they counted stays.** A worker's last report is sent at its end, whatever ends it: a
  reload, a stop, a crash, \`process.exit()\`. Only what SIGKILL ends, from outside, by the kernel for want of memory, or
  after a hang, takes with it what it did since its last report, a second's worth, and its requests in progress are never
  counted as ended.
- **A request** counts when its reply is through or its connection is gone. A reply that broke off after its head counts
  by the reply's status. What tsgate refuses, because it is too large or one too many, counts as a request with that
  status, and by its reason in \`tsgate_requests_rejected_total\`. What Node itself refuses is in \`tsgate_requests_rejected_total\` alone, but for a request
  without \`Host\` and an \`Expect\` that nobody knows, which only the access log has. A connection that
  goes over to another protocol is an upgrade, not a request.
- **\`mount\`** is the prefix of the application that was to answer ([mounts.md](mounts.md)), \`/\` for the one without.
  Requests that are no application's, that a file of \`--static\` answers, or that are refused before one is chosen, count
  for \`/\`. There are as many values as
  mounts; those of a configuration that a reload has replaced stay.
- **\`slot\`** is the seat of a worker, 0 … n-1, which each successor takes over: unlike its pid it does not make new
  series with each reload. While a slot has two workers, gauges are those of the one that serves.
- **Bytes** are those of the connection below TLS, where a program encrypts by itself. Those of a long reply are counted
  while it is sent.
- **Causes** of \`tsgate_worker_exits_total\` are those of the log's \`worker gone\`; \`reload\`, \`stop\`, \`scaled down\`,
  \`superseded\`, \`rollout aborted\`, \`terminated\`, \`max requests\`, \`max age\` and \`max memory\` are ends that were
  asked for.
- **The loop's delay** is looked at twenty times a second: what blocks for less than 50 ms is seen by chance.

## What the application counts

An application that uses [prom-client](https://www.npmjs.com/package/prom-client) finds the metrics of its default
register behind those of tsgate, without a line of its own: the master asks the workers at each scrape and merges what they
say as prom-client's \`AggregatorRegistry\` does, by each metric's \`aggregator\`: the sum where nothing else is said.

\`\`\`js
import { Counter } from "prom-client";

const orders = new Counter({ name: "shop_orders_total", help: "Orders", labelNames: ["kind"] });
\`\`\`

- Counters and histograms keep what workers had counted that have gone, as of their last scrape or, when they left in good
  order, of their end. A sum that shrank would look like a restart, and each reload like a burst. Gauges are those of the
  workers that live.
- A worker that does not answer within 0.7 s is told of as it last was, so that a hung one cannot hold up a scrape.
- At most 5,000 series a worker; metrics beyond are left out as a whole, and the log says which.
- Names that begin with \`tsgate_\` are tsgate's. Registers other than the default one, and a prom-client that a bundler has
  put into the application's own file, are not found: leave the package out of the bundle (\`external\`).
`;
