import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import type { Environ } from "../../../../src/gateway/index.ts";
import * as frames from "../../../../src/worker/wsgi/frames.ts";
import { PythonCall } from "../../../../src/worker/wsgi/python-call.ts";
import { ThreadChannel } from "../../../../src/worker/wsgi/thread-channel.ts";

test("the first request leaves at once, and those behind it together", async () => {
  const { channel, writes } = makeChannel();
  for (const path of ["/1", "/2", "/3"]) channel.begin(callOf(path));
  expect(writes).toEqual([["/1"]]);
  await new Promise(setImmediate);
  expect(writes).toEqual([["/1"], ["/2", "/3"]]);
});

test("what the replies of one read make room for leaves in one write, before anybody is answered", async () => {
  const order: string[] = [];
  const next = ["/3", "/4"];
  const { channel, socket, writes } = makeChannel((free) => {
    const path = next.shift();
    if (path !== undefined) free.begin(callOf(path));
  });
  const answered = async (path: string): Promise<void> => {
    await new Promise<void>((resolve) => channel.begin(callOf(path, resolve)));
    order.push(`${path} after ${writes.length} writes`);
  };
  const both = Promise.all([answered("/1"), answered("/2")]);
  await new Promise(setImmediate);
  socket.push(Buffer.concat([reply(), reply()]));
  await both;
  expect(writes).toEqual([["/1"], ["/2"], ["/3", "/4"]]);
  expect(order).toEqual(["/1 after 3 writes", "/2 after 3 writes"]);
});

test("the rest of a request's body does not overtake what was to leave before it", async () => {
  const { channel, socket, writes } = makeChannel();
  channel.begin(callOf("/1", () => {}, Buffer.from("body")));
  channel.begin(callOf("/2"));
  socket.push(Buffer.from(frames.header(frames.NEED, 4) + frames.number(100), "latin1"));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(writes.flat()).toEqual(["/1", "/2", "input", "body"]);
});

/** A channel whose writes are read back: of each the paths of its requests, and what else it held. */
function makeChannel(whenFree: (channel: ThreadChannel) => void = () => {}): {
  readonly channel: ThreadChannel;
  readonly socket: Duplex;
  readonly writes: string[][];
} {
  const writes: string[][] = [];
  const socket = new Duplex({
    read() {},
    write(data: Buffer, _encoding, done) {
      writes.push(contentOf(data));
      done();
    },
  });
  const events = { free: whenFree, wrote() {}, failedLate() {} };
  const channel = new ThreadChannel(socket as Socket, 1000, events, process.pid);
  return { channel, socket, writes };
}

function contentOf(data: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < data.length;) {
    if (data.toString("latin1", at) === "body") return [...found, "body"];
    const [size, kind] = [data.readUInt32LE(at), data[at + 4]];
    const payload = data.toString("latin1", at + 5, at + 5 + size);
    found.push(kind === frames.REQUEST ? (/PATH_INFO\0([^\0]*)/.exec(payload)?.[1] ?? "?") : "input");
    at += 5 + (kind === frames.INPUT ? 4 : size);
  }
  return found;
}

function callOf(path: string, answered: () => void = () => {}, body?: Buffer): PythonCall {
  const environ = {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: path,
    REQUEST_URI: path,
    "gateway.url_scheme": "http",
    "gateway.input": { read: async () => body },
  } as unknown as Environ;
  const input = { bytes: undefined, isWhole: body === undefined };
  return new PythonCall(environ, input, () => {}, answered, answered);
}

function reply(): Buffer {
  const head = "200 OK";
  return Buffer.from(frames.header(frames.REPLY, 4 + head.length) + frames.number(head.length) + head, "latin1");
}
