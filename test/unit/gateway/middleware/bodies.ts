/** Bodies of every shape that say what is done with them. */

import type { Application, Body, HeaderList, Status } from "../../../../src/gateway/types.ts";

/** What has been done with a body: `pull 1`, `close`. */
export type Deeds = string[];

/** A lazy body, sync or async, that notes pulls and its close. An error in the list is thrown. */
export function watched(deeds: Deeds, chunks: readonly (string | Error)[], isAsync: boolean): Body {
  let at = 0;
  const next = (): IteratorResult<string, undefined> => {
    const chunk = chunks[at];
    at += 1;
    if (chunk === undefined) return { done: true, value: undefined };
    deeds.push(`pull ${at}`);
    if (chunk instanceof Error) throw chunk;
    return { done: false, value: chunk };
  };
  const close = (): void => void deeds.push("close");
  if (!isAsync) return { [Symbol.iterator]: () => ({ next }), close } as Body;
  return { [Symbol.asyncIterator]: () => ({ next: async () => next() }), close } as Body;
}

/** An application that answers with this head and body. */
export function answering(body: () => Body, headers: HeaderList = [], status: Status = 200): Application {
  return (_, startResponse) => {
    startResponse(status, headers);
    return body();
  };
}

/** The headers that were sent, as `Name: value`. */
export function lines({ sentHeaders }: { readonly sentHeaders: readonly string[] }): string[] {
  return sentHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${sentHeaders[index + 1]}`] : []));
}
