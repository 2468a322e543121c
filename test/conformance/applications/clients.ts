/** Applications that notice when their client goes. */

import type { Chunk } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, fixed, TEXT } from "./makers.ts";

const BLOCK = Buffer.alloc(65_536, "x");

export const clientApplications: Readonly<Record<string, ApplicationMaker>> = {
  endless: fixed(200, TEXT, (probe) => ({
    *[Symbol.iterator](): Iterator<Chunk> {
      try {
        for (;;) yield BLOCK;
      } finally {
        probe.push("left");
      }
    },
    close: () => probe.push("closed"),
  })),
  "endless-async": fixed(200, TEXT, (probe) => ({
    async *[Symbol.asyncIterator](): AsyncIterator<Chunk> {
      yield "begun";
      await new Promise(() => {});
    },
    close: () => probe.push("closed"),
  })),
  thinks: (probe) => async (environ, startResponse) => {
    const signal = environ["gateway.signal"];
    void environ["gateway.input"].read().catch(() => {});
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    probe.push((signal.reason as Error).name);
    startResponse(200, TEXT);
    probe.push("started");
    return Object.assign(["unread"], { close: () => probe.push("closed") });
  },
  uploads: (probe) => (environ, startResponse) => {
    startResponse(200, TEXT);
    return (async function* () {
      yield "begun";
      try {
        yield await environ["gateway.input"].read();
      } catch (error) {
        probe.push((error as Error).name);
        throw error;
      }
    })();
  },
  "notes-abort": (probe) => (environ, startResponse) => {
    environ["gateway.signal"].addEventListener("abort", () => probe.push("aborted"));
    startResponse(200, TEXT);
    return ["x"];
  },
};
