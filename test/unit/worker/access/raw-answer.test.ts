import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { whenAnswered } from "../../../../src/worker/access/raw-answer.ts";

function watched(): { socket: PassThrough; told: (number | undefined)[] } {
  const socket = new PassThrough();
  const told: (number | undefined)[] = [];
  whenAnswered(socket, (status) => told.push(status));
  return { socket, told };
}

describe("what is answered on a socket", () => {
  test.each([
    ["written", (socket: PassThrough) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 101],
    ["written as bytes", (socket: PassThrough) => socket.write(Buffer.from("HTTP/1.0 400 Bad Request\r\n\r\n")), 400],
    ["its end", (socket: PassThrough) => socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n"), 401],
  ])("is %s", (_, answer, status) => {
    const { socket, told } = watched();
    answer(socket);
    expect(told).toEqual([status]);
    expect(String(socket.read())).toMatch(/^HTTP\/1\.\d \d{3} .*\r\n\r\n$/);
  });

  test("is the first head, and told once; from then on the socket is as it was", () => {
    const { socket, told } = watched();
    expect(Object.hasOwn(socket, "write")).toBe(true);
    socket.write("no head");
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    for (const name of ["write", "end"] as const) expect(socket[name] === PassThrough.prototype[name]).toBe(true);
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    socket.destroy();
    expect(told).toEqual([101]);
  });

  test("is nothing when the socket closes before", async () => {
    const { socket, told } = watched();
    socket.destroy();
    await expect.poll(() => told).toEqual([undefined]);
  });

  test("is seen below a function that somebody has put around it meanwhile", () => {
    const { socket, told } = watched();
    const below = socket.write.bind(socket);
    const above = (chunk: string): boolean => below(chunk);
    socket.write = above;
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    expect(told).toEqual([101]);
    expect(socket.write === above).toBe(true);
  });
});
