/**
 * Requests over TLS through a proxy, on kept and on fresh connections, by a client that never asks twice: each is counted
 * by how it ended.
 */

import { once } from "node:events";
import https from "node:https";
import { onTestFinished } from "vitest";

export interface LoadTally {
  ok: number;
  readonly failures: string[];
  /** Replies by the host that gave them. */
  readonly byHost: Map<string, number>;
}

export interface Load {
  readonly tally: LoadTally;
  /** Resolves when that many more requests have been answered. */
  more(count: number): Promise<void>;
  /** Waits for the replies that are due. */
  stop(): Promise<LoadTally>;
}

export interface AskOptions {
  readonly method?: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: https.Agent;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** The address of the client. */
export const CLIENT = "127.0.0.2";

/** One request to the proxy's TLS port. */
export async function askOverTls(port: number, path: string, options: AskOptions = {}): Promise<Reply> {
  const { method = "GET", body, headers = {}, agent } = options;
  const own = { Host: "app.example.org", ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) };
  const request = https.request({
    host: "127.0.0.1",
    // Another one than the proxy has.
    localAddress: CLIENT,
    port,
    path,
    method,
    rejectUnauthorized: false,
    servername: "app.example.org",
    headers: { ...own, ...headers },
    agent: agent ?? false,
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

const KEPT = 8;
const FRESH = 2;
const BODY = "x".repeat(16_384);
/** Between two requests of a loop, so that kept connections of the proxy are idle now and then. */
const PAUSES_MS = [0, 1, 5, 20, 50];

/** Starts asking; it ends with the test. */
export function startLoad(port: number): Load {
  const tally: LoadTally = { ok: 0, failures: [], byHost: new Map() };
  const agent = new https.Agent({ keepAlive: true, maxSockets: KEPT });
  const stopping = new AbortController();
  const loop = async (index: number, kept: https.Agent | undefined): Promise<void> => {
    for (let asked = 0; !stopping.signal.aborted; asked++) {
      const isPost = (asked + index) % 3 === 0;
      try {
        const shape = isPost ? { method: "POST", body: BODY } : {};
        const { status, headers, text } = await askOverTls(port, "/", { ...shape, ...(kept && { agent: kept }) });
        if (status !== 200) tally.failures.push(`${isPost ? "POST" : "GET"}: ${status} ${text.slice(0, 80)}`);
        else tally.ok++;
        const host = String(headers["x-host"]);
        tally.byHost.set(host, (tally.byHost.get(host) ?? 0) + 1);
      } catch (error) {
        tally.failures.push(`${isPost ? "POST" : "GET"}: ${String(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[(asked + index) % PAUSES_MS.length]));
    }
  };
  const loops = Array.from({ length: KEPT + FRESH }, (_, index) => loop(index, index < KEPT ? agent : undefined));
  const stop = async (): Promise<LoadTally> => {
    stopping.abort();
    await Promise.all(loops);
    agent.destroy();
    return tally;
  };
  onTestFinished(async () => void (await stop()));
  const more = async (count: number): Promise<void> => {
    const wanted = tally.ok + tally.failures.length + count;
    const endsAt = performance.now() + 30_000;
    while (tally.ok + tally.failures.length < wanted) {
      if (performance.now() > endsAt) throw new Error(`not answered in 30 s: ${JSON.stringify(tally)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { tally, more, stop };
}
