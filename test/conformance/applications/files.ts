/** Applications that use what the environ offers for hints and files. */

import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HeaderList } from "../../../src/gateway/index.ts";
import { type ApplicationMaker, TEXT } from "./makers.ts";

const hints =
  (headers: HeaderList): ApplicationMaker =>
  () =>
  (environ, startResponse) => {
    const outcome = outcomeOf(() => environ["gateway.early_hints"](headers));
    startResponse(200, TEXT);
    return [outcome];
  };

export const fileApplications: Readonly<Record<string, ApplicationMaker>> = {
  "hints-without-link": hints([["X-A", "1"]]),
  "bad-hints": hints([["Connection", "close"]]),
  "hints-too-late": () => (environ, startResponse) => {
    startResponse(200, TEXT);
    return (function* () {
      yield "a";
      yield outcomeOf(() => environ["gateway.early_hints"]([["Link", "</a.css>"]]));
    })();
  },
  "file-handle": () => async (environ, startResponse) => {
    const file = temporaryFile();
    const handle = await open(file.path, "r");
    file.remove();
    await handle.read(Buffer.alloc(4), 0, 4, null);
    startResponse(200, TEXT);
    return environ["gateway.file_wrapper"](handle);
  },
  "file-path": (probe) => (environ, startResponse) => {
    const file = temporaryFile();
    const body = environ["gateway.file_wrapper"](file.path);
    startResponse(200, TEXT);
    return {
      [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
      async close() {
        await body.close();
        probe.push((await isClosed(file.path)) ? "closed" : "left open");
        file.remove();
      },
    };
  },
  "file-object": (probe) => (environ, startResponse) => {
    let left = 2;
    startResponse(200, TEXT);
    return environ["gateway.file_wrapper"](
      {
        read(size) {
          probe.push(`read ${size}`);
          return left-- > 0 ? "ab" : null;
        },
        close: () => probe.push("closed"),
      },
      4,
    );
  },
  "file-unused": (probe) => (environ, startResponse) => {
    environ["gateway.file_wrapper"]({ read: () => void probe.push("read") });
    startResponse(200, TEXT);
    return ["other"];
  },
  "file-none": () => (environ, startResponse) => {
    const wrapper = environ["gateway.file_wrapper"];
    startResponse(200, TEXT);
    return [`${outcomeOf(() => wrapper(5 as never))} ${outcomeOf(() => wrapper("/dev/null", 0))}`];
  },
};

/** What it returned, or the name of what it threw. */
function outcomeOf(action: () => unknown): string {
  try {
    return String(action());
  } catch (error) {
    return (error as Error).name;
  }
}

/** Whether this process has the file open no more, soon: a stream closes a moment later. Known where there is a /proc. */
async function isClosed(path: string): Promise<boolean> {
  for (let attempt = 0; isOpen(path); attempt++) {
    if (attempt === 100) return false;
    await sleep(20);
  }
  return true;
}

function isOpen(path: string): boolean {
  return descriptors().some((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      // It was the one that the folder was read with, or has been closed since.
      return false;
    }
  });
}

function descriptors(): readonly string[] {
  try {
    return readdirSync("/proc/self/fd");
  } catch {
    return [];
  }
}

function temporaryFile(): { readonly path: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "gateway-suite-"));
  const path = join(folder, "file");
  writeFileSync(path, "0123456789");
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
