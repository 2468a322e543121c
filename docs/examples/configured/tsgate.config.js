/**
 * Every setting under its camelCase key, the application, and hooks.
 *
 *   cd docs/examples/configured && tsgate
 *   curl -i http://127.0.0.1:8000/
 *
 * In TypeScript, or for completion in an editor: `import { defineConfig } from "tsgate"` around the object.
 */
export default {
  app: "app.js",
  appArgs: ["--from", "the-config"],
  workers: 2,
  gracefulTimeout: "10s",
  env: { GREETING: "Hello" },
  onStarting: () => console.log("the master is starting"),
  whenReady: () => console.log("all workers are ready"),
  postWorkerInit: ({ slot, pid }) => console.log(`worker ${slot} has loaded the application (${pid})`),
};
