/** What kind of file a name stands for. */

import { mimes } from "mrmime";

/** A `Content-Type` by the ending of a name; bytes of any kind where that says nothing. */
export function contentTypeOf(name: string): string {
  const ending =
    name
      .slice(name.lastIndexOf("/") + 1)
      .match(/.\.([a-z\d-]+)$/i)?.[1]
      ?.toLowerCase() ?? "";
  const type = Object.hasOwn(mimes, ending) ? (mimes[ending] as string) : "application/octet-stream";
  return type.startsWith("text/") && type !== "text/xml" ? `${type}; charset=utf-8` : type;
}
