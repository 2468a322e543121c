/** Headers as lines of the access log show them. */

/** Whether of several headers of this name the first counts, as Node takes it. */
export function firstCounts(name: string): boolean {
  return FIRST_COUNTS.has(name);
}

/** A header in a head as it was sent: the values of all lines of this name. */
export function headerIn(head: string, name: string): string | undefined {
  const values: string[] = [];
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon === name.length && line.slice(0, colon).toLowerCase() === name) values.push(line.slice(colon + 1).trim());
  }
  return values.length === 0 ? undefined : values.join(", ");
}

const FIRST_COUNTS: ReadonlySet<string> = new Set(["authorization", "referer", "user-agent"]);
