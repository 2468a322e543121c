/** The stack as V8's call sites, whatever the application has made of the way in which stacks are written. */

const DEEPEST = 64;

/** The calls below `inner`, a function on the stack; all when it is not given. Leaves nothing changed. */
export function callSites(inner?: (...args: never[]) => unknown): readonly NodeJS.CallSite[] {
  const kept = (["prepareStackTrace", "stackTraceLimit"] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(Error, name)] as const,
  );
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = DEEPEST;
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.captureStackTrace(holder, inner);
    // The text is made, and so the function above called, when it is first read.
    const sites = holder.stack;
    return Array.isArray(sites) ? (sites as NodeJS.CallSite[]) : [];
  } finally {
    for (const [name, property] of kept) {
      if (property === undefined) Reflect.deleteProperty(Error, name);
      else Object.defineProperty(Error, name, property);
    }
  }
}
