/** Headers that tell browsers to be careful. What the application says itself stays. */

import { defineApplication } from "../define-application.ts";
import type { HeaderList } from "../types.ts";
import { isHeaderList } from "./header-list.ts";
import type { Middleware } from "./middleware.ts";

/** Each a value in the place of the default, or false for none. */
export interface SecurityHeadersOptions {
  /** `Content-Security-Policy`. Default: only what breaks no page: `base-uri 'self'; frame-ancestors 'self'; object-src 'none'`. */
  readonly contentSecurityPolicy?: string | false;
  /** `Strict-Transport-Security`, over https alone (RFC 6797 section 7.2). Default: `max-age=31536000`. */
  readonly strictTransportSecurity?: string | false;
  /** `X-Content-Type-Options`. Default: `nosniff`. */
  readonly contentTypeOptions?: string | false;
  /** `X-Frame-Options`, for browsers that know no frame-ancestors. Default: `SAMEORIGIN`. */
  readonly frameOptions?: string | false;
  /** `Referrer-Policy`. Default: `strict-origin-when-cross-origin`. */
  readonly referrerPolicy?: string | false;
  /** `Cross-Origin-Opener-Policy`. Default: `same-origin`. */
  readonly crossOriginOpenerPolicy?: string | false;
  /** `Cross-Origin-Resource-Policy`. Default: `same-origin`. */
  readonly crossOriginResourcePolicy?: string | false;
  /** `Permissions-Policy`. Default: none. */
  readonly permissionsPolicy?: string | false;
}

/** Adds the headers to every reply. Throws a `TypeError` for an option it does not know or a value that is none. */
export function securityHeaders(options: SecurityHeadersOptions = {}): Middleware {
  const secure = headersOf(options);
  const plain = secure.filter(([name]) => name !== HSTS);
  const names = new Set(secure.map(([name]) => name.toLowerCase()));
  return (application) =>
    defineApplication((environ, startResponse) => {
      const ours = environ["gateway.url_scheme"] === "https" ? secure : plain;
      return application(environ, (status, headers, more) => {
        startResponse(status, isHeaderList(headers) ? joined(headers, ours, names) : headers, more);
      });
    });
}

function headersOf(options: SecurityHeadersOptions): HeaderList {
  for (const [key, value] of Object.entries(options)) {
    if (!(key in HEADERS)) throw new TypeError(`securityHeaders has no option ${key}`);
    if (value !== undefined && value !== false && (typeof value !== "string" || value === ""))
      throw new TypeError(`${key} is a header's value, or false for none`);
  }
  return Object.entries(HEADERS).flatMap(([key, [name, usual]]) => {
    const value = options[key as keyof SecurityHeadersOptions] ?? usual;
    return value === false ? [] : [[name, value] as const];
  });
}

function joined(headers: HeaderList, ours: HeaderList, names: ReadonlySet<string>): HeaderList {
  for (let i = 0; i < headers.length; i += 1) {
    const [name] = headers[i] as HeaderList[number];
    if (!LENGTHS.has(name.length) || !names.has(name.toLowerCase())) continue;
    const theirs = new Set(headers.map(([name]) => name.toLowerCase()));
    return [...headers, ...ours.filter(([name]) => !theirs.has(name.toLowerCase()))];
  }
  return [...headers, ...ours];
}

const HSTS = "Strict-Transport-Security";

const HEADERS: Readonly<Record<keyof SecurityHeadersOptions, readonly [name: string, usual: string | false]>> = {
  contentSecurityPolicy: ["Content-Security-Policy", "base-uri 'self'; frame-ancestors 'self'; object-src 'none'"],
  strictTransportSecurity: [HSTS, "max-age=31536000"],
  contentTypeOptions: ["X-Content-Type-Options", "nosniff"],
  frameOptions: ["X-Frame-Options", "SAMEORIGIN"],
  referrerPolicy: ["Referrer-Policy", "strict-origin-when-cross-origin"],
  crossOriginOpenerPolicy: ["Cross-Origin-Opener-Policy", "same-origin"],
  crossOriginResourcePolicy: ["Cross-Origin-Resource-Policy", "same-origin"],
  permissionsPolicy: ["Permissions-Policy", false],
};
/** Most names are none of these by their length alone. */
const LENGTHS: ReadonlySet<number> = new Set(Object.values(HEADERS).map(([name]) => name.length));
