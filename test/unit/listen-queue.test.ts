import { execFileSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { queueLengths, socketInode } from "../../src/listen-queue.ts";
import { descriptorOf } from "../../src/node-handles.ts";

const isLinux = process.platform === "linux";

async function listening(host: string): Promise<{ server: net.Server; port: number; inode: string }> {
  const server = net.createServer();
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const inode = socketInode(descriptorOf(server) ?? -1);
  if (inode === undefined) throw new Error("no inode");
  return { server, port: (server.address() as net.AddressInfo).port, inode };
}

/** Connects `count` times from another process, while this one accepts nothing. */
function connect(host: string, port: number, count: number): void {
  const program = `let left = ${count};
    for (let i = 0; i < ${count}; i++) require("node:net").connect(${port}, "${host}", () => --left || process.exit());`;
  execFileSync(process.execPath, ["-e", program]);
}

test.runIf(isLinux)("the connections that wait are counted, for each socket that is asked for", async () => {
  const [four, six] = [await listening("127.0.0.1"), await listening("::1")];
  expect([...queueLengths([four.inode, six.inode])].sort()).toEqual(
    [
      [four.inode, 0],
      [six.inode, 0],
    ].sort(),
  );
  connect("127.0.0.1", four.port, 3);
  connect("::1", six.port, 2);
  const lengths = queueLengths([four.inode, six.inode]);
  expect([lengths.get(four.inode), lengths.get(six.inode)]).toEqual([3, 2]);
});

test("a socket that the system does not tell of is left out", () => {
  expect(queueLengths(["1"]).size).toBe(0);
  expect(queueLengths([]).size).toBe(0);
  expect(socketInode(-1)).toBeUndefined();
});
