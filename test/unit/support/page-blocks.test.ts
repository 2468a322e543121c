import { describe, expect, it } from "vitest";
import { differs, pageBlocks, withNumbers } from "../../support/page-blocks.ts";

const seen = (shown: string, output: string): string | undefined => differs(shown, output, new Map());

describe("the blocks of a guide", () => {
  it("are files, commands and what these show", () => {
    const page =
      "a\n\n```js app.mjs\nrun();\n```\n\n```sh\nstart\n```\n\n```sh look\nls\n```\n\nb\n\n```text\nfile\n```\n";
    expect(pageBlocks(page)).toEqual([
      { kind: "file", line: 3, name: "app.mjs", text: "run();\n" },
      { kind: "commands", line: 7, text: "start\n", isLook: false, shown: undefined },
      { kind: "commands", line: 11, text: "ls\n", isLook: true, shown: "file\n" },
    ]);
  });

  it.each(["```\nx\n```\n", "```js\nx\n```\n", "```text\nshown by nothing\n```\n", "```sh lok\nls\n```\n"])(
    "are nothing else: %j",
    (page) => {
      expect(() => pageBlocks(page)).toThrow("line 1: neither");
    },
  );
});

describe("what is shown", () => {
  it.each([
    ["one\ntwo\n", "one\ntwo\n"],
    ["a   b\n", "  a b\n\n"],
    ["one\n…\nfour\n", "one\ntwo\nthree\nfour\n"],
    ["one\n…\n", "one\ntwo\n"],
    ["pid 4711 in …ms (x)\n", "pid 12 in 3 ms (x)\n"],
    ["12.5 MB\n", "7 MB\n"],
  ])("%j is seen in %j", (shown, output) => {
    expect(seen(shown, output)).toBeUndefined();
  });

  it.each([
    ["one\nthree\n", "one\ntwo\nthree\n", "three"],
    ["two\n", "one\ntwo\n", "two"],
    ["one\n", "one\ntwo\n", "nothing more, but there is: two"],
    ["one\n", "", "one"],
    ["generation 2\n", "generation 3\n", "generation 2"],
    ["exit 1\n", "exit 12\n", "exit 1"],
    ["a.c\n", "abc\n", "a.c"],
    ["12 MB\n", "many MB\n", "12 MB"],
  ])("%j is not seen in %j", (shown, output, missing) => {
    expect(seen(shown, output)).toBe(missing);
  });

  it("gives its numbers to later commands, when all of it was seen", () => {
    const numbers = new Map([["8000", "34567"]]);
    expect(differs("pid 4711\nend\n", "pid 99\n", numbers)).toBe("end");
    expect(withNumbers("kill 4711", numbers)).toBe("kill 4711");
    expect(differs("pid 4711\n", "pid 99\n", numbers)).toBeUndefined();
    expect(withNumbers("kill 4711; curl localhost:8000; sleep 1", numbers)).toBe(
      "kill 99; curl localhost:34567; sleep 1",
    );
  });
});
