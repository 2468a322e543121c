/** What the applications of the cases are made with. */

import type { Application, Body, Environ, HeaderList, StartResponse, Status } from "../../../src/gateway/index.ts";

/** What happened inside the application, in order. */
export type Probe = string[];

/** Makes an application that writes down in `probe` what happens to it. */
export type ApplicationMaker = (probe: Probe) => Application;

export const TEXT: HeaderList = [["Content-Type", "text/plain"]];

/** Answers with this head and body, whatever is asked. */
export const fixed = (status: Status, headers: HeaderList, makeBody: (probe: Probe) => Body): ApplicationMaker => {
  return (probe) => (_environ, startResponse) => {
    startResponse(status, headers);
    return makeBody(probe);
  };
};

/** A body of these chunks that writes down when it is closed; an Error among them is thrown. */
class ProbedBody implements Iterable<string> {
  private readonly chunks: readonly (string | Error)[];
  private readonly probe: Probe;

  constructor(probe: Probe, ...chunks: (string | Error)[]) {
    this.probe = probe;
    this.chunks = chunks;
  }

  *[Symbol.iterator](): Iterator<string> {
    try {
      for (const chunk of this.chunks) {
        if (chunk instanceof Error) throw chunk;
        yield chunk;
      }
    } finally {
      this.probe.push("left");
    }
  }

  close() {
    this.probe.push("closed");
  }
}

export const probed =
  (...chunks: (string | Error)[]) =>
  (probe: Probe) =>
    new ProbedBody(probe, ...chunks);

/** A generator as application: its head and body come at the first pull. */
export const generator =
  (run: (probe: Probe, startResponse: StartResponse, environ: Environ) => Generator<string>): ApplicationMaker =>
  (probe) =>
  (environ, startResponse) =>
    run(probe, startResponse, environ);
