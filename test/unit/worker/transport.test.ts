/** Which transport serves which applications, and what the log says of it. */

import { describe, expect, test } from "vitest";
import { APPLICATION_KINDS, type ApplicationKind } from "../../../src/config/setting-row.ts";
import type { TransportName } from "../../../src/config/types.ts";
import { chooseTransport } from "../../../src/worker/transport.ts";

const served = (kind: ApplicationKind): Parameters<typeof chooseTransport>[0][number] => ({
  text: `${kind}.js`,
  value: { interface: kind },
});
const chosen = (kinds: readonly ApplicationKind[], wanted: TransportName): string => {
  const choice = chooseTransport(
    kinds.map((kind) => served(kind)),
    wanted,
  );
  return "problem" in choice ? choice.problem : choice.transport;
};

describe.each(APPLICATION_KINDS)("an application of kind %s", (kind) => {
  const needsNode = kind === "node" || kind === "server";

  test("is served by node:http where that is asked for", () => {
    expect(chosen([kind], "node")).toBe("node:http");
  });

  test(`is ${needsNode ? "refused" : "served by the engine"} where the engine is asked for`, () => {
    expect(chosen([kind], "engine")).toMatch(
      needsNode ? new RegExp(`^transport engine cannot serve ${kind}\\.js: the application \\w`) : /^engine$/,
    );
  });

  test("decides for those beside it where it needs node:http", () => {
    expect(chosen(["gateway", kind], "auto")).toBe(needsNode ? "node:http" : chosen(["gateway"], "auto"));
  });
});

test("the reason is said in words", () => {
  for (const kind of APPLICATION_KINDS)
    expect(chooseTransport([served(kind)], "auto")).toMatchObject({ transportReason: expect.stringMatching(/^the /) });
});
