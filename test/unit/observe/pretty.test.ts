/** Records as people read them at a terminal. */

import { expect, it } from "vitest";
import { prettyMessage } from "../../../src/observe/pretty.ts";

const ESCAPE = "\u001B";

it("what an application or its client has put into a record neither ends the line nor moves the terminal", () => {
  const error = {
    message: `no\nsuch ${ESCAPE}[2Jthing\u009B`,
    stack: `Error: no${ESCAPE}]0;x\u0007\n    at a (b.js:1:2)`,
  };
  expect(prettyMessage({ msg: "application error", pid: 7, path: "/a\tb\r", error })).toBe(
    [
      String.raw`application error  pid 7  path=/a${"\t"}b\r error="no\nsuch \x1b[2Jthing\x9b"`,
      String.raw`    Error: no\x1b]0;x\x07`,
      "        at a (b.js:1:2)",
    ].join("\n"),
  );
});
