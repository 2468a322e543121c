/** Where in the server an application is: at the root, or below a prefix of its own, on all hosts or on one. */

export interface MountPoint {
  /** As logs and metrics call it: `/`, `/api`, `host:api.example.org/v1`. */
  readonly text: string;
  /** In lower case and without a port; undefined for all hosts. */
  readonly host: string | undefined;
  /** The segments of the prefix, decoded; none at the root of the server or of a host. */
  readonly segments: readonly string[];
}

export const ROOT: MountPoint = { text: "/", host: undefined, segments: [] };
