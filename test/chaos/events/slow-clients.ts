/** Clients that take their time: with a request's head, with its body, with reading the reply, with saying anything at all. */

import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { RequestShape } from "../../support/traffic/connection.mjs";
import { between, defineEvent } from "../event.ts";
import type { World } from "../world.ts";

const PIECES = 25;
/** About the length of what `ask` sends without a body. */
const HEAD_BYTES = 60;
const BODY_BYTES = 4000;
/** More than the system holds for a connection that nobody reads. */
const REPLY_BYTES = 12_000_000;
const READ_BYTES = 65_536;

interface SlowClients {
  readonly count: number;
  readonly ms: number;
}

function slowClients(name: string, mostAtOnce: number, shapeFor: (ms: number) => RequestShape) {
  return defineEvent<SlowClients>({
    name,
    weight: 2,
    group: "client",
    draw: (random) => ({ count: between(random, 1, mostAtOnce), ms: between(random, 500, 3500) }),
    async act(world, { count, ms }) {
      await Promise.all(Array.from({ length: count }, (_, index) => world.ask(shapeFor(ms), index)));
    },
  });
}

export const slowHeads = slowClients("slow heads", 30, (ms) => ({
  drip: { bytes: Math.ceil(HEAD_BYTES / PIECES), everyMs: ms / PIECES },
}));

export const slowBodies = slowClients("slow bodies", 30, (ms) => ({
  method: "POST",
  bodyBytes: BODY_BYTES,
  drip: { bytes: Math.ceil((HEAD_BYTES + BODY_BYTES) / PIECES), everyMs: ms / PIECES },
}));

export const slowReaders = slowClients("slow readers", 4, (ms) => ({
  path: `/?big=${REPLY_BYTES}`,
  readEveryMs: (ms * READ_BYTES) / REPLY_BYTES,
}));

export const silentClients = defineEvent<SlowClients>({
  name: "silent clients",
  weight: 2,
  group: "client",
  draw: (random) => ({ count: between(random, 1, 40), ms: between(random, 500, 3500) }),
  act: stayConnected,
});

async function stayConnected(world: World, { count, ms }: SlowClients): Promise<void> {
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = net.connect({ ...world.target(index) });
    // How it ends is of no interest: it never asked for anything.
    return socket.on("error", () => {}).resume();
  });
  await sleep(ms);
  for (const socket of sockets) socket.destroy();
}
