/** What the kernel still holds for a client that does not read, as `/proc` tells it. */

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { sendQueues, socketInode } from "../../../src/worker/send-queues.ts";

/** A connection on which much more has been written than the kernel takes, to a client that reads nothing yet. */
async function stalled(...address: [number, string] | [string]): Promise<{ accepted: net.Socket; client: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true }).listen(...(address as [number, string]));
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const bound = server.address() as net.AddressInfo | string;
  const client = typeof bound === "string" ? net.connect(bound) : net.connect(bound.port, bound.address);
  onTestFinished(() => void client.destroy());
  const [accepted] = (await once(server, "connection")) as [net.Socket];
  // What is not yet written when the test ends cannot be written any more.
  accepted.on("error", () => {});
  accepted.write(Buffer.alloc(50_000_000));
  return { accepted, client };
}

it.each(["127.0.0.1", "::1"])("is told by inode over %s, and shrinks when the client reads", async (host) => {
  const { accepted, client } = await stalled(0, host);
  const inode = socketInode(accepted) ?? "";
  const before = (await sendQueues(new Set([inode]))).get(inode) ?? 0;
  expect(before).toBeGreaterThan(100_000);
  client.resume();
  await once(accepted, "drain");
  await expect.poll(async () => (await sendQueues(new Set([inode]))).get(inode)).toBeUndefined();
  accepted.destroy();
  expect(socketInode(accepted)).toBeUndefined();
});

it("is not told of a unix socket, nor of one that nobody asked for", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "tsgate-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const unix = await stalled(path.join(dir, "s.sock"));
  const tcp = await stalled(0, "127.0.0.1");
  const asked = new Set([socketInode(unix.accepted) ?? ""]);
  expect([...(await sendQueues(asked))]).toEqual([]);
  expect([...(await sendQueues(new Set([socketInode(tcp.accepted) ?? ""])))]).toHaveLength(1);
});
