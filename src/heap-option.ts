/** Whether V8's heap limit was set with one of Node's options. */

const OPTION = /(?:^|[\s"'])--(max[-_](?:old[-_]space|heap)[-_]size(?:[-_]percentage)?)(?:[=\s]+(\d+))?/g;

/**
 * The megabytes of the last `--max-old-space-size` among `args`, else in `nodeOptions`; NaN for a limit that was set in
 * another way; undefined when none was.
 */
export function oldSpaceOption(args: readonly string[], nodeOptions = ""): number | undefined {
  const given = [...`${nodeOptions} ${args.join(" ")}`.matchAll(OPTION)].at(-1);
  if (given === undefined) return undefined;
  return /^max.old.space.size$/.test(given[1] ?? "") ? Number(given[2] ?? Number.NaN) : Number.NaN;
}
