import { expect, test } from "vitest";
import { findPlace, parseStacks, stackText } from "../../../../src/worker/wsgi/python-stacks.ts";

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
  File "/opt/tsgate/dist/python/tsgate_wsgi/channel.py", line 77 in next_request
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 40 in serve
  File "/usr/lib/python3.11/threading.py", line 975 in run

Thread 0x00007f0000000005 (most recent call first):
  File "/opt/tsgate/dist/python/tsgate_wsgi/channel.py", line 88 in receive
  File "/opt/tsgate/dist/python/tsgate_wsgi/streams.py", line 30 in readinto
  File "/srv/site/forms.py", line 9 in read_form
  File "/srv/site/views.py", line 20 in upload
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 70 in run
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 40 in serve
  File "/usr/lib/python3.11/threading.py", line 975 in run

Thread 0x00007f0000000006 (most recent call first):
  File "/opt/tsgate/dist/python/tsgate_wsgi/channel.py", line 120 in pay
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 170 in answer
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 40 in serve
  File "/usr/lib/python3.11/threading.py", line 975 in run

Current thread 0x00007f0000000004 (most recent call first):
  File "/srv/site/views.py", line 12 in wait
  File "/usr/lib/python3/dist-packages/django/core/handlers/base.py", line 181 in _get_response
  File "/opt/tsgate/dist/python/tsgate_wsgi/call.py", line 70 in run
  File "/opt/tsgate/dist/python/start.py", line 25 in <module>
`;

test("the stacks of a dump are those of the application, threads that serve first", () => {
  const { threads, idle, withClient } = parseStacks(DUMP);
  expect([idle, withClient]).toEqual([1, 1]);
  expect(threads.map(({ frames }) => frames.map((frame) => `${frame.function}:${frame.line}`))).toEqual([
    ["wait:12", "_get_response:181"],
    ["read_form:9", "upload:20"],
    ["poll:3", "run:975"],
  ]);
  expect(stackText(threads).split("\n")[0]).toBe("    at wait (/srv/site/views.py:12)");
});

test("nothing that is no dump has stacks", () => {
  const none = { threads: [], idle: 0, withClient: 0 };
  expect(parseStacks("")).toEqual(none);
  expect(parseStacks("Fatal Python error: Aborted\n")).toEqual(none);
});

test("the place is the innermost outside of libraries", () => {
  const frame = (name: string, file: string) => ({ function: name, file, line: 7 });
  const view = frame("view", "/srv/site/views.py");
  const library = frame("read", "/usr/lib/python3.12/ssl.py");
  const driver = frame("query", "/srv/venv/lib/python3.12/site-packages/driver/core.py");
  expect(findPlace([{ frames: [view, driver] }])).toEqual({ words: "at view (/srv/site/views.py:7)", place: view });
  expect(findPlace([{ frames: [library, driver, view] }])).toEqual({
    words: "in read, called at view (/srv/site/views.py:7)",
    place: view,
  });
  expect(findPlace([{ frames: [library] }])?.words).toBe("at read (/usr/lib/python3.12/ssl.py:7)");
  expect(findPlace([])).toBeUndefined();
});
