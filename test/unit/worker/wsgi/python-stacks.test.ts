import { expect, test } from "vitest";
import { parseStacks, stackText } from "../../../../src/worker/wsgi/python-stacks.ts";

const DUMP = `Thread 0x00007f0000000001 (most recent call first):
  File "/usr/lib/python3.11/socket.py", line 706 in readinto
  File "/opt/tsgate/dist/python/tsgate_wsgi/interpreter.py", line 98 in next_line
  File "/opt/tsgate/dist/python/tsgate_wsgi/interpreter.py", line 110 in answer
  File "/usr/lib/python3.11/threading.py", line 975 in run

Thread 0x00007f0000000002 (most recent call first):
  File "/srv/site/background.py", line 3 in poll
  File "/usr/lib/python3.11/threading.py", line 975 in run

Thread 0x00007f0000000003 (most recent call first):
  File "/opt/tsgate/dist/python/tsgate_wsgi/channel.py", line 88 in receive
  File "/usr/lib/python3.11/threading.py", line 975 in run

Current thread 0x00007f0000000004 (most recent call first):
  File "/srv/site/views.py", line 12 in wait
  File "/usr/lib/python3/dist-packages/django/core/handlers/base.py", line 181 in _get_response
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 70 in run
  File "/opt/tsgate/dist/python/start.py", line 25 in <module>
`;

test("the stacks of a dump are those of the application, threads that serve first", () => {
  expect(parseStacks(DUMP).map(({ frames }) => frames.map((frame) => `${frame.function}:${frame.line}`))).toEqual([
    ["wait:12", "_get_response:181"],
    ["poll:3", "run:975"],
  ]);
  expect(stackText(parseStacks(DUMP)).split("\n")[0]).toBe("    at wait (/srv/site/views.py:12)");
});

test("nothing that is no dump has stacks", () => {
  expect(parseStacks("")).toEqual([]);
  expect(parseStacks("Fatal Python error: Aborted\n")).toEqual([]);
});
