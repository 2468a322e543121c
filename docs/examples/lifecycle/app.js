/**
 * The application's own life beside it: each of these exports is optional.
 *
 *   tsgate docs/examples/lifecycle/app.js
 *   curl -i http://127.0.0.1:8000/
 */

const state = { isOpen: false, startedAt: 0 };

/** Awaited before the worker is ready: connect to the database here. */
export async function startup() {
  state.startedAt = Date.now();
  state.isOpen = true;
}

/** Asked with each heartbeat; false or an error three times running, and this worker is replaced. */
export function health() {
  return state.isOpen;
}

/** Called when the worker is told to leave, while it still accepts. */
export function beforeDrain() {
  console.log(`worker ${process.pid} is about to leave`);
}

/** Called after the last reply, before the process ends: close what `startup` has opened. */
export async function shutdown() {
  state.isOpen = false;
  console.log(`worker ${process.pid} has closed its connections`);
}

export default function listener(request, response) {
  response.setHeader("Content-Type", "application/json");
  response.end(`${JSON.stringify({ worker: process.pid, upForMs: Date.now() - state.startedAt })}\n`);
}
