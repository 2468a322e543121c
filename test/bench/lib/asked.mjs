/** What is asked of the engine: the CPU time of a request, as a share of what others spend on the same. */

/**
 * @typedef {object} Asked
 * @property {string} workload
 * @property {string} against
 * @property {{ gateway?: number, fetch: number }} limits
 * @property {boolean} [isOfWorkers] asked of the whole server only, not of the engine in one process
 */

/** @type {readonly Asked[]} */
export const ASKED = [
  { workload: "hello", against: "node:http", limits: { gateway: 0.65, fetch: 0.7 } },
  { workload: "browser", against: "node:http", limits: { gateway: 0.7, fetch: 0.7 } },
  { workload: "varied", against: "node:http", limits: { gateway: 0.7, fetch: 0.7 } },
  { workload: "hello", against: "@hono/node-server", limits: { fetch: 0.7 } },
  { workload: "hello", against: "srvx", limits: { fetch: 0.7 } },
  { workload: "hello", against: "net, constant reply", limits: { gateway: 1.2, fetch: 1.3 } },
  { workload: "hello", against: "Bun", limits: { gateway: 1.2, fetch: 1.25 } },
  { workload: "hello", against: "Deno", limits: { gateway: 1.3, fetch: 1.4 } },
  { workload: "json", against: "node:http", limits: { gateway: 0.7, fetch: 0.75 } },
  { workload: "fresh", against: "node:cluster", limits: { gateway: 0.5, fetch: 0.5 }, isOfWorkers: true },
];
