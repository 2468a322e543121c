/** The one place of this folder with a side effect on the process: puts the light classes where applications look. */

import { IncomingRequest, LightRequest } from "./incoming-request.ts";
import { LightResponse } from "./light-response.ts";
import { rememberDecoded } from "./fetched-response.ts";
import { nativeFetch } from "./native.ts";

/**
 * Replaces the global `Request` and `Response` by light ones, and `fetch` by one that takes these; from then on fetch
 * applications are called with light requests. Returns how to undo that. A second call changes nothing.
 */
export function installLightClasses(): () => void {
  if (isInstalled) return uninstall;
  isInstalled = true;
  for (const [name, value] of Object.entries(replacements)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor;
    originals.set(name, before);
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: before.enumerable === true,
    });
  }
  return uninstall;
}

/** Whether the light classes are what applications see. */
export function hasLightClasses(): boolean {
  return isInstalled;
}

function uninstall(): void {
  isInstalled = false;
  for (const [name, before] of originals) Object.defineProperty(globalThis, name, before);
  originals.clear();
}

const replacements = {
  Request: LightRequest,
  Response: LightResponse,
  async fetch(input: Parameters<typeof nativeFetch>[0], init?: Parameters<typeof nativeFetch>[1]) {
    return rememberDecoded(await nativeFetch(IncomingRequest.forward(input), init));
  },
};

const originals = new Map<string, PropertyDescriptor>();
let isInstalled = false;
