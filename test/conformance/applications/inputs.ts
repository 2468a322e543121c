/** Applications that read what was sent, rightly and wrongly. */

import { type ApplicationMaker, TEXT } from "./makers.ts";

const nameOf = (error: unknown): string => (error as Error).name;

export const inputApplications: Readonly<Record<string, ApplicationMaker>> = {
  "breaks-off-a-loop": () => async (environ, startResponse) => {
    const input = environ["gateway.input"];
    const chunks: Uint8Array[] = [];
    for await (const chunk of input) {
      chunks.push(chunk);
      break;
    }
    chunks.push(await input.read());
    startResponse(200, TEXT);
    return chunks;
  },
  "breaks-off-midway": () => (environ, startResponse) => {
    const input = environ["gateway.input"];
    startResponse(200, TEXT);
    return (async function* () {
      let first: Uint8Array = Buffer.alloc(0);
      for await (const chunk of input) {
        first = chunk;
        break;
      }
      yield "begun ";
      yield first;
      yield await input.read();
    })();
  },
  "reads-wrongly": () => async (environ, startResponse) => {
    const input = environ["gateway.input"];
    const outcome = await input.read(-1).then(() => "nothing", nameOf);
    const body = await input.read();
    startResponse(200, TEXT);
    return [`${outcome} `, body];
  },
  "reads-at-once": () => (environ, startResponse) => {
    startResponse(200, TEXT);
    const input = environ["gateway.input"];
    return (async function* () {
      const first = input.read(5);
      const second = await input.read(5).then(
        () => "given",
        () => "rejected",
      );
      yield `${second} `;
      yield await first;
    })();
  },
  "reads-beyond": () => async (environ, startResponse) => {
    const input = environ["gateway.input"];
    const lengths = [(await input.read()).length, (await input.read()).length];
    lengths.push((await input.read(4)).length, (await input.read(0)).length);
    startResponse(200, TEXT);
    return [lengths.join(" ")];
  },
  "leaves-a-read": (probe) => (environ, startResponse) => {
    void environ["gateway.input"].read().catch((error: unknown) => probe.push(nameOf(error)));
    startResponse(200, TEXT);
    return ["early"];
  },
};
