/**
 * HTTP's Basic authentication (RFC 7617). Names and passwords are compared as digests in constant time, all of them every
 * time: how long a refusal takes says nothing of how near a guess was, nor whether the name exists.
 */

import { isUtf8 } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { defineApplication } from "../define-application.ts";
import { isThenable } from "../body.ts";
import type { Body, Environ, StartResponse } from "../types.ts";
import type { Middleware } from "./middleware.ts";

export interface BasicAuthenticationOptions {
  /** Who may come in: name and password. */
  readonly users?: Readonly<Record<string, string>>;
  /** In the place of `users`: whether this is the password of that name. Comparing in constant time is up to it. */
  readonly verify?: (name: string, password: string, environ: Environ) => boolean | PromiseLike<boolean>;
  /** What browsers show when they ask. Default: `restricted`. */
  readonly realm?: string;
}

/**
 * Lets only requests pass that name a user with the right password, and sets `REMOTE_USER` for the application; all
 * others are answered 401. Throws a `TypeError` for options that nobody could come in with.
 */
export function basicAuthentication(options: BasicAuthenticationOptions): Middleware {
  const isKnown = verifierOf(options);
  const challenge = `Basic realm="${realmOf(options)}", charset="UTF-8"`;
  const refuse = (startResponse: StartResponse): Body => {
    startResponse(401, [
      ["WWW-Authenticate", challenge],
      ["Content-Type", "text/plain; charset=utf-8"],
    ]);
    return ["Unauthorized\n"];
  };
  return (application) =>
    defineApplication((environ, startResponse) => {
      delete environ.REMOTE_USER;
      const credentials = credentialsOf(environ.HTTP_AUTHORIZATION);
      if (credentials === undefined) return refuse(startResponse);
      const proceed = (mayPass: boolean): Body | PromiseLike<Body> => {
        if (!mayPass) return refuse(startResponse);
        environ.REMOTE_USER = credentials.name;
        return application(environ, startResponse);
      };
      const verdict = isKnown(credentials, environ);
      return isThenable(verdict) ? verdict.then(proceed) : proceed(verdict);
    });
}

interface Credentials {
  /** `name:password`, as sent. */
  readonly bytes: Buffer;
  readonly name: string;
  readonly password: string;
}

type Verifier = (credentials: Credentials, environ: Environ) => boolean | PromiseLike<boolean>;

function verifierOf({ users, verify }: BasicAuthenticationOptions): Verifier {
  if ((users === undefined) === (verify === undefined)) {
    throw new TypeError("basicAuthentication takes users, an object of names and passwords, or verify, a function");
  }
  if (verify !== undefined) return ({ name, password }, environ) => verify(name, password, environ);
  const digests = Object.entries(users ?? {}).map(([name, password]) => {
    if (typeof password !== "string" || password === "" || name.includes(":") || CONTROL.test(name + password))
      throw new TypeError(`basicAuthentication: the user ${JSON.stringify(name)} could not come in`);
    return digest(Buffer.from(`${name}:${password}`));
  });
  if (digests.length === 0) throw new TypeError("basicAuthentication: without users nobody could come in");
  return ({ bytes }) => {
    const given = digest(bytes);
    let matches = 0;
    for (const known of digests) matches += timingSafeEqual(known, given) ? 1 : 0;
    return matches > 0;
  };
}

/** Undefined for what is not exactly one well-formed pair (RFC 7617 section 2). */
function credentialsOf(header: string | undefined): Credentials | undefined {
  const [, token] = BASIC.exec(header ?? "") ?? [];
  if (token === undefined) return undefined;
  const bytes = Buffer.from(token, "base64");
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString();
  const colon = text.indexOf(":");
  if (colon < 0 || CONTROL.test(text)) return undefined;
  return { bytes, name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function realmOf({ realm = "restricted" }: BasicAuthenticationOptions): string {
  if (!REALM.test(realm)) throw new TypeError("basicAuthentication: the realm is printable ASCII without quotes");
  return realm;
}

function digest(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;
const REALM = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
