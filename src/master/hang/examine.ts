/**
 * Finds out what blocks the event loop of a worker: asks the worker itself for its stack, by whichever way it can be
 * asked, and where it does not answer, the operating system. Takes less than a second, only waits, and never throws.
 */

import type { Duplex } from "node:stream";
import type { Account, AskingWay } from "../../hung-account.ts";
import { messageOf } from "../../errors.ts";
import { InspectorSession } from "./inspector-session.ts";
import { hasUsersFrame, interrogate } from "./interrogate.ts";
import { type MessageChannel, relayChannel } from "./message-channel.ts";
import { openInspector } from "./open-inspector.ts";
import { measureTimes, isStarved, NoAnswer, patiently, type Times } from "./patience.ts";
import { processFacts, type ProcessFacts } from "./process-facts.ts";
import { authority, fetchJson, type InspectorAddress, openWebSocket } from "./websocket.ts";

/** A worker that has been silent for too long. */
export interface Suspect {
  readonly pid: number;
  readonly way: AskingWay;
  /** The pipe to the thread that answers, where there is one. */
  readonly relay: Duplex | undefined;
  readonly silentMs: number;
  /** CPU time of the process at its last heartbeat. */
  readonly cpuMsAtBeat: number | undefined;
  /** Sends it SIGUSR1. */
  readonly signal: () => void;
  /** Called with the URL of an inspector that was opened by that: it stays open as long as the event loop is blocked. */
  readonly opened: (url: string) => void;
}

/** What was found out. */
export interface Examination {
  readonly silentMs: number;
  /** How long the asking took. */
  readonly askedMs: number;
  /** Its own word, if it gave it. */
  readonly account: Account | undefined;
  /** Why it could not even be asked. */
  readonly obstacle: string | undefined;
  /** What the operating system knows; only where the account names no place in the application. */
  readonly facts: ProcessFacts | undefined;
  /** CPU time since the last heartbeat. */
  readonly cpuMsSinceBeat: number | undefined;
  /** Of a processor, while it was asked. */
  readonly times: Times;
}

/** For the whole of it. */
const PATIENCE_MS = 850;
/** The same where others have the processors. */
const STARVED_PATIENCE_MS = 1350;

export async function examine(suspect: Suspect): Promise<Examination> {
  const times = await measureTimes(suspect.pid);
  const before = processFacts(suspect.pid).catch(() => undefined);
  let account: Account | undefined;
  let obstacle = suspect.way.by === "none" ? suspect.way.why : undefined;
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error("no time left"));
  const last = setTimeout(stop, STARVED_PATIENCE_MS);
  const first = setTimeout(() => void times.read().then((soFar) => isStarved(soFar) || stop()), PATIENCE_MS);
  try {
    if (suspect.way.by !== "none") await ask(suspect, abort.signal, (heard) => (account = heard));
  } catch (error) {
    // That it does not answer says that it is in native code; what else can go wrong is worth a word.
    if (!(error instanceof NoAnswer) && !abort.signal.aborted) obstacle = messageOf(error);
  } finally {
    clearTimeout(first);
    clearTimeout(last);
  }
  const isNamed = account !== undefined && hasUsersFrame(account);
  const facts = isNamed ? undefined : await before;
  const cpuMsSinceBeat =
    facts === undefined || suspect.cpuMsAtBeat === undefined ? undefined : facts.cpuMs - suspect.cpuMsAtBeat;
  return {
    silentMs: suspect.silentMs,
    askedMs: times.elapsedMs(),
    account,
    obstacle,
    facts,
    cpuMsSinceBeat,
    times: await times.read(),
  };
}

async function ask(suspect: Suspect, aborted: AbortSignal, heard: (account: Account) => void): Promise<void> {
  const session = new InspectorSession(await channelTo(suspect, aborted));
  const stop = (): void => session.end(new NoAnswer());
  aborted.addEventListener("abort", stop);
  let first: Account | undefined;
  try {
    const interrogation = interrogate(session, suspect.silentMs, (account) => heard((first = account)));
    await Promise.race([interrogation, patiently(suspect.pid, () => first, aborted)]);
    await interrogation;
  } finally {
    aborted.removeEventListener("abort", stop);
    stop();
  }
}

async function channelTo({ pid, way, relay, signal, opened }: Suspect, aborted: AbortSignal): Promise<MessageChannel> {
  if (way.by === "relay") {
    if (relay === undefined) throw new Error("there is no pipe to it");
    return relayChannel(relay);
  }
  if (way.by === "url") {
    const { hostname, port, pathname } = new URL(way.url);
    const host = LOOPBACK[hostname];
    if (host === undefined) throw new Error(`its inspector listens on ${hostname}, where it is not asked`);
    const channel = await openWebSocket({ host, port: Number(port) }, pathname, aborted).catch(() => undefined);
    if (channel !== undefined) return channel;
    // It has been closed since.
  }
  const address = await openInspector(pid, signal, aborted);
  const target = await targetAt(address, aborted);
  opened(`ws://${authority(address)}${target}`);
  return openWebSocket(address, target, aborted);
}

/** Where an inspector is reached that listens there. The URL may be the application's word: nobody else is connected to. */
const LOOPBACK: Readonly<Record<string, string>> = {
  "127.0.0.1": "127.0.0.1",
  localhost: "127.0.0.1",
  "0.0.0.0": "127.0.0.1",
  "[::1]": "::1",
  "[::]": "::1",
};

async function targetAt(address: InspectorAddress, aborted: AbortSignal): Promise<string> {
  const targets = (await fetchJson(address, "/json/list", aborted)) as readonly { readonly id?: unknown }[];
  const id = targets[0]?.id;
  if (typeof id !== "string") throw new Error("the inspector offers nothing to inspect");
  return `/${id}`;
}
