/** Where the application is: a module file and, if one was named, its export. Resolved by the master before a fork, loaded by workers. */

/** An application reference with its module found on disk. */
export interface AppReference {
  /** As the user wrote it; of a mount with its prefix, `/api=api.js`. */
  readonly text: string;
  /** Absolute path of the module's file. */
  readonly file: string;
  /** The export after the colon, or undefined. */
  readonly exportName: string | undefined;
  /** The Python module and the name in it, when that is what it is; `file` is then where it would be below the working directory. */
  readonly python?: { readonly module: string; readonly attribute: string };
}
