/** Which fields may not come behind a body (RFC 9110 section 6.5.1): those that decide what it is and who may send it. */

/** Whether a request with this trailer is refused. All others are read and dropped. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}

const FORBIDDEN = new Set(
  [
    "content-length transfer-encoding trailer te connection upgrade keep-alive proxy-connection host",
    "cache-control expect max-forwards pragma range if-match if-none-match if-modified-since if-unmodified-since if-range",
    "authorization proxy-authorization cookie forwarded x-forwarded-for x-forwarded-host x-forwarded-proto",
    "content-encoding content-type content-range",
  ]
    .join(" ")
    .split(" "),
);
