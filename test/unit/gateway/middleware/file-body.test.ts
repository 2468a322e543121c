/** A body that its reader leaves while a block of it is being read. */

import type { FileHandle } from "node:fs/promises";
import { expect, test } from "vitest";
import { fileBody } from "../../../../src/gateway/middleware/static/file-body.ts";
import type { ServedFile } from "../../../../src/gateway/middleware/static/served-file.ts";

const FILE = { path: "/a", size: 3, stats: { mtimeMs: 1 } } as ServedFile;

/** The next block, whose read comes to `outcome`, perhaps after the body has been closed. */
async function next(outcome: () => { bytesRead: number }, isLeft: boolean): Promise<unknown> {
  const reads: (() => void)[] = [];
  const handle = {
    read: () => new Promise<void>((resolve) => reads.push(resolve)).then(outcome),
    stat: async () => ({ mtimeMs: 1, size: 3 }),
    close: async () => {},
  } as unknown as FileHandle;
  const body = fileBody(handle, FILE, [{ start: 0, end: 2 }]);
  const block = body[Symbol.asyncIterator]().next();
  if (isLeft) await body.close();
  for (const read of reads) read();
  return block;
}

const whole = (): { bytesRead: number } => ({ bytesRead: 3 });
const shorter = (): { bytesRead: number } => ({ bytesRead: 0 });
const closed = (): never => {
  throw Object.assign(new Error("EBADF: bad file descriptor, read"), { code: "EBADF" });
};

test.each([
  ["succeeds", whole],
  ["comes to nothing", shorter],
  ["fails", closed],
])("is at its end when a read %s after that", async (_, outcome) => {
  expect(await next(outcome, true)).toEqual({ done: true, value: undefined });
});

test("and else says what was read, or why nothing was", async () => {
  expect(await next(whole, false)).toMatchObject({ done: false, value: { length: 3 } });
  await expect(next(shorter, false)).rejects.toThrow("/a has become shorter while it was sent");
  await expect(next(closed, false)).rejects.toThrow("EBADF");
});
