import { expect, it } from "vitest";
import { inspectorOptions, isOwnInspectorArgument, opensInspector } from "../../src/inspector-arguments.ts";

const OURS = { args: ["--inspect-publish-uid=http"], port: 0 };
const THEIRS = { args: [], port: undefined };

it.each([
  { nodeArgs: [], options: undefined, added: OURS },
  { nodeArgs: ["--max-old-space-size=512"], options: "--enable-source-maps", added: OURS },
  { nodeArgs: ["--inspect"], options: undefined, added: THEIRS },
  { nodeArgs: ["--inspect-port=9300"], options: undefined, added: THEIRS },
  { nodeArgs: [], options: "--enable-source-maps --inspect-brk", added: THEIRS },
  { nodeArgs: ["--inspect=0"], options: undefined, added: { args: [], port: 0 } },
  { nodeArgs: ["--inspect=127.0.0.1:0"], options: undefined, added: { args: [], port: 0 } },
])(
  "$nodeArgs and NODE_OPTIONS=$options leave the inspector to whoever asked for it, else to us",
  ({ nodeArgs, options, added }) => {
    expect(inspectorOptions(nodeArgs, { NODE_OPTIONS: options })).toEqual(added);
  },
);

it.each([
  { args: ["--inspect=0"], options: "", opens: true },
  { args: ["--inspect-brk"], options: "", opens: true },
  { args: [], options: "--inspect-wait=127.0.0.1:9000", opens: true },
  { args: ["--inspect-port=0", "--inspect-publish-uid=http"], options: "", opens: false },
  { args: ["--inspector"], options: "", opens: false },
])("$args and NODE_OPTIONS=$options open one at the start: $opens", ({ args, options, opens }) => {
  expect(opensInspector(args, { NODE_OPTIONS: options })).toBe(opens);
});

it("what node:cluster and we have added is recognised, and nothing else", () => {
  const args = ["--inspect-publish-uid=http", "--inspect-port=0", "--inspect-port=9229", "--inspect", "--no-warnings"];
  expect(args.filter(isOwnInspectorArgument)).toEqual(args.slice(0, 2));
});
