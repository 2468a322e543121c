/** A request that no application gets to see: the status it is answered with, and in a few constant words why. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** One object for each reason: a client that sends nonsense costs no memory. */
export const REFUSALS = {
  badTarget: { status: 400, reason: "the request target has no form that a server accepts" },
  badRequestLine: { status: 400, reason: "the request line is malformed" },
  badHeader: { status: 400, reason: "a header is malformed" },
  badLength: { status: 400, reason: "the Content-Length is not one number of bytes" },
  badBody: { status: 400, reason: "the body is malformed" },
  badTrailer: { status: 400, reason: "a trailer is not allowed" },
  noHost: { status: 400, reason: "the request has no Host header, or more than one" },
  badHost: { status: 400, reason: "the Host header is not one host" },
  badCoding: { status: 400, reason: "the request has a Transfer-Encoding where none is allowed" },
  unknownCoding: { status: 501, reason: "the only transfer coding known is chunked" },
  unknownMethod: { status: 501, reason: "the method is unknown" },
  unknownVersion: { status: 505, reason: "the version of HTTP is not 1.0 or 1.1" },
  underscore: { status: 400, reason: "the name of a header has an underscore" },
  unknownExpectation: { status: 417, reason: "the only expectation known is 100-continue" },
  misdirected: { status: 421, reason: "the target is https, and the connection is not" },
  targetTooLong: { status: 414, reason: "the request line is longer than the limit" },
  tooManyFields: { status: 431, reason: "the request has more headers than the limit" },
  fieldTooLarge: { status: 431, reason: "a header is larger than the limit" },
  headTooLarge: { status: 431, reason: "the head is larger than the limit" },
  trailersTooLarge: { status: 431, reason: "the trailers are larger than the limit" },
  extensionsTooLarge: { status: 413, reason: "the chunk extensions are larger than the limit" },
  bodyTooLarge: { status: 413, reason: "the body is larger than the limit" },
  headTimeout: { status: 408, reason: "the head was not complete in time" },
  bodyTimeout: { status: 408, reason: "the body came too slowly" },
  responseTimeout: { status: 504, reason: "the application did not begin to answer in time" },
  overloaded: { status: 503, reason: "as many requests are in progress as the limit allows" },
} as const satisfies Record<string, Refusal>;
