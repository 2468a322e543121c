/** Applications with bodies of unusual shapes and ends. */

import type { Body, Chunk } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, fixed, TEXT } from "./makers.ts";

export const bodyApplications: Readonly<Record<string, ApplicationMaker>> = {
  "both-ways": fixed(200, TEXT, () => ({
    *[Symbol.iterator](): Iterator<Chunk> {
      yield "sync";
    },
    async *[Symbol.asyncIterator](): AsyncIterator<Chunk> {
      yield "async";
    },
  })),
  "waits-for-more": (_probe) => (environ, startResponse) => {
    startResponse(200, TEXT);
    return (async function* () {
      yield "first";
      yield await environ["gateway.input"].read(1);
    })();
  },
  "close-throws": fixed(200, TEXT, () => ({
    *[Symbol.iterator](): Iterator<Chunk> {
      yield "x";
    },
    close() {
      throw new Error("in close");
    },
  })),
  "close-rejects": fixed(200, TEXT, () => ({
    *[Symbol.iterator](): Iterator<Chunk> {
      yield "x";
    },
    async close() {
      await Promise.resolve();
      throw new Error("in close, later");
    },
  })),
  disposable: fixed(200, TEXT, (probe): Body => {
    const dispose = (): void => void probe.push("disposed");
    return { [Symbol.iterator]: () => ["x"].values(), [Symbol.dispose]: dispose } as Body;
  }),
};
