import { type FileHandle, open, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type FilePlace, openFile } from "../../../../src/worker/wsgi/python-file.ts";

describe.skipIf(process.platform !== "linux")("a file that another process has open", () => {
  test("is read from its offset, as much as is asked for, though its name is gone", async () => {
    const { handle, place } = await openPlace("0123456789");
    const body = await openFile(process.pid, { ...place, offset: 3, size: 5 });
    await handle.close();
    expect(await textOf(body)).toBe("34567");
  });

  test("ends where it ends, when it has become shorter", async () => {
    const { handle, place } = await openPlace("0123456789");
    const body = await openFile(process.pid, { ...place, offset: 3, size: 100 });
    expect(await textOf(body)).toBe("3456789");
    await handle.close();
  });

  test.each([
    ["another file", { inode: "1" }],
    ["on another device", { device: "1" }],
    ["not open there", { descriptor: 999_999 }],
  ])("is not taken when it is %s", async (_, change) => {
    const { handle, place } = await openPlace("0123456789");
    expect(await openFile(process.pid, { ...place, ...change })).toBeUndefined();
    await handle.close();
  });

  test("is not taken when it is no file", async () => {
    const handle = await open("/dev/null");
    const place = { descriptor: handle.fd, ...(await identityOf(handle)), offset: 0, size: 5 };
    expect(await openFile(process.pid, place)).toBeUndefined();
    await handle.close();
  });
});

async function openPlace(text: string): Promise<{ readonly handle: FileHandle; readonly place: FilePlace }> {
  const file = path.join(tmpdir(), `tsgate-python-file-${process.pid}-${++made}`);
  await writeFile(file, text);
  const handle = await open(file);
  await unlink(file);
  onTestFinished(() => handle.close().catch(() => {}));
  return { handle, place: { descriptor: handle.fd, ...(await identityOf(handle)), offset: 0, size: text.length } };
}

async function identityOf(handle: FileHandle): Promise<{ readonly device: string; readonly inode: string }> {
  const { dev, ino } = await handle.stat({ bigint: true });
  return { device: String(dev), inode: String(ino) };
}

async function textOf(body: AsyncIterable<Uint8Array | string> | undefined): Promise<string> {
  let text = "";
  for await (const chunk of body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  return text;
}

let made = 0;
