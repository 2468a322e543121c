import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Admission } from "../../../src/worker/admission.ts";

const response = (): ServerResponse => new EventEmitter() as ServerResponse;

it("lets as many in as there may be, and one more when one has ended", () => {
  const admission = new Admission();
  const holder = { admitted: 0 };
  const first = response();
  expect(admission.admit(holder, first, 2)).toBe(true);
  expect(admission.admit(holder, response(), 2)).toBe(true);
  expect(admission.admit(holder, response(), 2)).toBe(false);
  first.emit("close");
  expect(admission.admit(holder, response(), 2)).toBe(true);
  expect(holder.admitted).toBe(2);
});

it("loses no place, in whatever order replies end and connections go", () => {
  const LIMIT = 5;
  const history = fc.array(fc.tuple(fc.constantFrom("ask", "end", "go"), fc.nat({ max: 3 })), { maxLength: 200 });
  fc.assert(
    fc.property(history, (events) => {
      const admission = new Admission();
      let connections = Array.from({ length: 4 }, () => ({ admitted: 0, replies: [] as ServerResponse[] }));
      const inProgress = (): number => connections.reduce((sum, { admitted }) => sum + admitted, 0);
      for (const [event, index] of events) {
        const connection = connections[index] as (typeof connections)[number];
        if (event === "ask") {
          const reply = response();
          const isAdmitted = admission.admit(connection, reply, LIMIT);
          if (isAdmitted) connection.replies.push(reply);
          if (isAdmitted !== inProgress() - (isAdmitted ? 1 : 0) < LIMIT) return false;
        } else if (event === "end") {
          connection.replies.shift()?.emit("close");
        } else {
          admission.gone(connection);
          // Node may still tell of some of them, or not.
          for (const reply of connection.replies.filter((_, at) => at % 2 === 0)) reply.emit("close");
          connections = connections.with(index, { admitted: 0, replies: [] });
        }
        if (inProgress() > LIMIT) return false;
      }
      for (const connection of connections) admission.gone(connection);
      return Array.from({ length: LIMIT }).every(() => admission.admit({ admitted: 0 }, response(), LIMIT));
    }),
  );
});
