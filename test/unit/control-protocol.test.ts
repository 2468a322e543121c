import { describe, expect, it } from "vitest";
import { type ControlCommand, formatRequest, parseRequest } from "../../src/control-protocol.ts";

const COMMANDS: readonly ControlCommand[] = [
  { cmd: "status" },
  { cmd: "reload", wait: true },
  { cmd: "stop", quick: false },
  { cmd: "scale", workers: 8 },
  { cmd: "kill", slot: 0 },
  { cmd: "stack", slot: 3 },
  { cmd: "config" },
  { cmd: "reopen-logs" },
];

describe("a request", () => {
  it.each(COMMANDS)("$cmd is read as it was written", (command) => {
    const line = formatRequest(command);
    expect(line.endsWith("\n")).toBe(true);
    expect(parseRequest(line)).toEqual(command);
  });

  it("may leave out what is usual", () => {
    expect(parseRequest('{"v":1,"cmd":"reload"}')).toEqual({ cmd: "reload", wait: false });
    expect(parseRequest('{"v":1,"cmd":"stop","args":{}}')).toEqual({ cmd: "stop", quick: false });
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["hello", "a request is one JSON object a line"],
    ["[1]", "a request is one JSON object a line"],
    ["{", "a request is one JSON object a line"],
    ['{"cmd":"status"}', "this server speaks version 1 of the protocol, the request says nothing"],
    ['{"v":2,"cmd":"status"}', "this server speaks version 1 of the protocol, the request says 2"],
    ['{"v":1}', "there is no command nothing"],
    ['{"v":1,"cmd":"toString"}', 'there is no command "toString"'],
    ['{"v":1,"cmd":"status","args":[]}', "args must be an object"],
    ['{"v":1,"cmd":"status","args":{"x":1}}', 'status has no argument "x"'],
    ['{"v":1,"cmd":"scale"}', "scale: workers must be a whole number from 1 to 4096, not nothing"],
    ['{"v":1,"cmd":"scale","args":{"workers":0}}', "scale: workers must be a whole number from 1 to 4096, not 0"],
    ['{"v":1,"cmd":"scale","args":{"workers":"4"}}', 'scale: workers must be a whole number from 1 to 4096, not "4"'],
    ['{"v":1,"cmd":"reload","args":{"wait":1}}', "reload: wait must be true or false, not 1"],
  ];
  it.each(wrong)("%s is refused in a sentence", (line, sentence) => {
    expect(parseRequest(line)).toBe(sentence);
  });
});
