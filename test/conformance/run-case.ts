/**
 * Runs one case against a server, whichever it is: the client's part of it, and what the application has noted. Throws
 * an error that says what differs. Knows neither how the server was started nor who runs the suite.
 */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case, ExpectedResponse } from "./case.ts";
import { RawClient, type Response, valueOf } from "./http-reader.ts";

/** What the validator has found, where it stands between the server and the application. */
export interface Finding {
  readonly rule: string;
  readonly role: string;
  readonly isError: boolean;
  readonly message: string;
}

/** What an application has left that the client cannot see. */
export interface Traces {
  readonly probe: readonly string[];
  /** Undefined where the validator is not there. */
  readonly findings: readonly Finding[] | undefined;
  /** Whether these errors, and no others, were reported: undefined where that cannot be known. */
  readonly errors: readonly string[] | undefined;
}

export interface Subject {
  readonly port: number;
  traces(): Traces | Promise<Traces>;
}

/** Runs a case whose application is being served already. With `signal` it rejects with the reason when that aborts. */
export async function runCase(wanted: Case, subject: Subject, signal?: AbortSignal): Promise<void> {
  const clients = Array.from({ length: wanted.clients ?? 1 }, () => new RawClient(subject.port));
  // Whoever waits for something to come sees that the connection is closed.
  signal?.addEventListener("abort", () => {
    for (const client of clients) client.close();
  });
  try {
    const isJudged = (await subject.traces()).findings !== undefined && wanted.breaks !== undefined;
    await Promise.all(clients.map((client) => converse(client, wanted, isJudged)));
    await checkTraces(wanted, subject, isJudged);
    if (wanted.connection === "open" && !isJudged) await Promise.all(clients.map((client) => expectServed(client)));
    signal?.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    for (const client of clients) client.close();
  }
}

async function converse(client: RawClient, wanted: Case, isJudged: boolean): Promise<void> {
  const { request, responses, then, leavesAfter } = wanted;
  client.send(request);
  if (then !== undefined) {
    const hasCome = await client.received(then.seen, ...(isJudged ? ["HTTP/1.1 500 "] : []));
    assert.ok(hasCome || isJudged, `the connection ended before ${JSON.stringify(then.seen)} was sent`);
    client.send(then.send);
  }
  if (leavesAfter !== undefined) {
    const hasCome = await client.received(leavesAfter);
    assert.ok(hasCome, `the connection ended before ${JSON.stringify(leavesAfter)} was sent`);
    return client.close();
  }
  const methods = methodsOf(request.toString("latin1"));
  let finals = 0;
  for (const expected of responses) {
    const response = await client.response(methods[finals] === "HEAD");
    // The validator makes a breach an error, and that a 500 or an end.
    if (isJudged && (response === undefined || response.status === 500 || !response.isComplete)) return;
    checkResponse(response, expected);
    if (response !== undefined && response.status >= 200) finals += 1;
  }
  if (wanted.connection === "reset") {
    await client.ended();
    assert.ok(client.wasReset || isJudged, "the connection ended, and was not reset");
  }
  if (wanted.connection === "closed") assert.equal(await client.ended(), "", "nothing comes behind the last response");
}

function checkResponse(response: Response | undefined, expected: ExpectedResponse): void {
  const wanted = [expected.status].flat();
  assert.ok(response !== undefined, `the connection closed without the response ${wanted.join(" or ")}`);
  assert.ok(wanted.includes(response.status), `status ${response.status}, not ${wanted.join(" or ")}`);
  if (expected.reason !== undefined) assert.equal(response.reason, expected.reason);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    if (Array.isArray(value)) {
      const values: readonly string[] = response.headers.filter(([key]) => key === name).map((header) => header[1]);
      assert.deepEqual(values, value, `${name}: ${JSON.stringify(values)}, not ${JSON.stringify(value)}`);
    } else {
      const seen = valueOf(response.headers, name);
      assert.equal(seen ?? null, value, `${name}: ${JSON.stringify(seen)}, not ${JSON.stringify(value)}`);
    }
  }
  if (expected.body !== undefined) assert.equal(response.body, expected.body);
  if (expected.json !== undefined)
    checkJson(JSON.parse(Buffer.from(response.body, "latin1").toString()) as Record<string, string>, expected.json);
  const isComplete = expected.complete ?? true;
  assert.equal(response.isComplete, isComplete, isComplete ? "the response is not whole" : "the response looks whole");
}

function checkJson(seen: Readonly<Record<string, string>>, expected: NonNullable<ExpectedResponse["json"]>): void {
  for (const [key, value] of Object.entries(expected)) {
    const found = seen[key] ?? null;
    assert.equal(found, value, `${key}: ${JSON.stringify(found)}, not ${JSON.stringify(value)}`);
  }
}

/** The application may note its end a moment after the client has seen it, and a log be read later still. */
async function checkTraces(wanted: Case, subject: Subject, isJudged: boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const traces = await subject.traces();
    try {
      return isJudged ? checkJudged(wanted, traces) : checkPlain(wanted, traces);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(5);
  }
}

function checkJudged({ breaks }: Case, { findings }: Traces): void {
  const [first] = findings ?? [];
  const found = first === undefined ? "nothing" : first.message;
  assert.equal(first?.rule, breaks, `the validator found ${found}, not the breach of ${breaks}`);
  assert.equal(first?.role, "application");
}

function checkPlain(wanted: Case, { probe, findings, errors }: Traces): void {
  const breach = findings?.find(({ isError }) => isError);
  if (breach !== undefined) assert.fail(`through the validator, by the ${breach.role}: ${breach.message}`);
  const noted = wanted.probe ?? [];
  assert.deepEqual(probe, noted, `the application noted ${JSON.stringify(probe)}, not ${JSON.stringify(noted)}`);
  if (errors === undefined) return;
  const parts = wanted.errors ?? [];
  const isAsWanted = errors.length === parts.length && parts.every((part, at) => errors[at]?.includes(part));
  assert.ok(isAsWanted, `reported were ${JSON.stringify(errors)}, not ${JSON.stringify(parts)}`);
}

/** One more request on the same connection gets one more response, and nothing was left over before it. */
async function expectServed(client: RawClient): Promise<void> {
  client.send("GET /one-more HTTP/1.1\r\nHost: example.org\r\n\r\n");
  assert.ok((await client.response()) !== undefined, "the connection does not serve one more request");
}

function methodsOf(request: string): string[] {
  return [...request.matchAll(/^([A-Z]+) \S+ HTTP\/1\.\d\r$/gm)].map((match) => match[1] as string);
}

const PATIENCE_MS = 10_000;
