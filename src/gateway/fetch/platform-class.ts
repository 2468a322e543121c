/**
 * Makes a class of ours pass for the platform class it stands for: in its prototype chain, by name, with members as
 * enumerable, and with whatever members the platform has on this version of Node and ours does not spell out.
 */

import * as workerThreads from "node:worker_threads";

type AnyClass = abstract new (...args: never[]) => object;

/** Adds to `light` the members that only `native` has; they are asked of `unwrap(this)`, the native object. */
export function delegate(light: AnyClass, native: AnyClass, unwrap: (value: object) => object): void {
  const prototype = light.prototype as object;
  for (const [key, member] of Object.entries(Object.getOwnPropertyDescriptors(native.prototype as object))) {
    const isOwn = Object.hasOwn(prototype, key);
    if (!isOwn && (member.get !== undefined || typeof member.value === "function"))
      Object.defineProperty(prototype, key, memberOf(key, member, unwrap));
  }
}

/**
 * Puts `light` before `parent`: their prototypes and their static members, as enumerable as those of `native` are. `parent`
 * keeps knowing its own only.
 */
export function standBefore(light: AnyClass, parent: AnyClass, native: AnyClass = parent): void {
  inherit(light.prototype as object, parent.prototype as object, native.prototype as object);
  inherit(light, parent, native);
  Object.defineProperty(light, "name", { value: native.name });
}

/**
 * For `static [Symbol.hasInstance]` of a class that stands for `native`: both kinds of object are instances of it, as
 * they are of `native`; a class derived from it has only its own.
 */
export function isInstance(asked: unknown, light: AnyClass, native: AnyClass, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(asked === light ? native : asked, value);
}

/** Makes `structuredClone` refuse an object as it refuses the platform's own, on a Node where it does. */
export const refuseCloning: (object: object) => void =
  (workerThreads as { markAsUncloneable?: (object: object) => void }).markAsUncloneable ?? (() => {});

function inherit(light: object, parent: object, native: object): void {
  Object.setPrototypeOf(light, parent);
  for (const key of Object.getOwnPropertyNames(light)) {
    if (key === "prototype" || key === "name" || key === "length") continue;
    const enumerable = Object.getOwnPropertyDescriptor(native, key)?.enumerable;
    if (enumerable !== undefined) Object.defineProperty(light, key, { enumerable });
  }
}

function memberOf(key: string, member: PropertyDescriptor, unwrap: (value: object) => object): PropertyDescriptor {
  const { get, value } = member as { get?: () => unknown; value?: (...args: unknown[]) => unknown };
  // The platform's own member is asked: it also refuses what is not an object of its class.
  if (get !== undefined) {
    const read = function (this: object): unknown {
      return get.call(unwrap(this));
    };
    return { ...member, get: read };
  }
  const method = {
    [key](this: object, ...args: unknown[]): unknown {
      return value?.apply(unwrap(this), args);
    },
  };
  return { ...member, value: method[key] };
}
