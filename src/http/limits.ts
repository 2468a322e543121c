/** What a client may take of the server, in bytes, pieces and time. 0 switches a limit off, all but `pipelined`. */

export interface Limits {
  /** Bytes of the request line; above it 414. Default 8190. */
  readonly requestLine: number;
  /** Headers, and trailers, of a request; above it 431. Default 100. */
  readonly requestFields: number;
  /** Bytes of one header; above it 431. Default 8190. */
  readonly requestFieldSize: number;
  /** Bytes of a request body; above it 413. Default 0. */
  readonly requestBody: number;
  /** Requests of one connection in progress at once, at least 1; what comes behind them waits unread. Default 64. */
  readonly pipelined: number;
  /** Requests in progress; above it 503. Default 0. */
  readonly concurrency: number;
  /** How long an idle connection is kept. Default 75,000. */
  readonly keepAliveMs: number;
  /** From the first byte of a head, or from a connection's beginning, to its end: 408. Default 15,000. */
  readonly headersMs: number;
  /** Between reads of a body that is waited for; less than 256 bytes a second count as silence: 408. Default 30,000. */
  readonly bodyMs: number;
  /** Without progress in what the client takes. Default 60,000. */
  readonly sendMs: number;
  /** From a request to the beginning of its answer: 504. Default 0. */
  readonly responseMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  requestLine: 8190,
  requestFields: 100,
  requestFieldSize: 8190,
  requestBody: 0,
  pipelined: 64,
  concurrency: 0,
  keepAliveMs: 75_000,
  headersMs: 15_000,
  bodyMs: 30_000,
  sendMs: 60_000,
  responseMs: 0,
};

/** The largest head that the limits allow, but never more than fits into one read: 64 KB. */
export function largestHead({ requestLine, requestFields, requestFieldSize }: Limits): number {
  const isUnlimited = requestLine === 0 || requestFields === 0 || requestFieldSize === 0;
  return isUnlimited ? LARGEST_HEAD : Math.min(LARGEST_HEAD, requestLine + requestFields * requestFieldSize);
}

const LARGEST_HEAD = 65_536;

/** More headers than a head of that size can hold: the shortest is `a:` and the end of its line. */
export const MOST_FIELDS = LARGEST_HEAD / 4;
