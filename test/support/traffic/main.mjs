/**
 * The traffic client as a process of its own, so that nothing else delays its event loop. Its parent sends
 * `{ start: options }`, may ask for `"snapshot"`, may announce with `"expect-end"` that the server is about to end, and
 * ends it with `"stop"`; each is answered with a tally. Without a parent it leaves.
 */

import { TrafficClient } from "./client.mjs";

/** @typedef {{ start: import("./client.mjs").TrafficOptions } | "snapshot" | "expect-end" | "stop"} Command */

/** @type {TrafficClient | undefined} */
let client;

process.on("message", (/** @type {Command} */ command) => {
  if (typeof command === "object") {
    client = new TrafficClient(command.start);
    client.start();
    answer(client.snapshot());
  } else if (command === "snapshot" || command === "expect-end") {
    if (command === "expect-end") client?.expectEnd();
    answer(client?.snapshot());
  } else {
    client?.stop().then(
      (tally) => process.send?.({ tally }, () => process.disconnect()),
      (error) => {
        throw error;
      },
    );
  }
});

process.on("disconnect", () => process.exit());

/** @param {import("./tally.mjs").Tally | undefined} tally */
function answer(tally) {
  process.send?.({ tally });
}
