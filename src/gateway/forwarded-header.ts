/** The field value of Forwarded (RFC 7239 section 4), taken apart. Pure. */

/** What one proxy says: its parameters, by their names in lower case. */
export type ForwardedElement = ReadonlyMap<string, string>;

/**
 * The elements from the client's side to ours; undefined for a value that breaks the grammar anywhere, because then
 * nobody can tell where one proxy's word ends. More lenient in one thing: an address with a port needs no quotes.
 */
export function forwardedElements(value: string): readonly ForwardedElement[] | undefined {
  const elements: Map<string, string>[] = [];
  let element = new Map<string, string>();
  let at = 0;
  const close = (): void => {
    if (element.size > 0) elements.push(element);
    element = new Map();
  };
  while (at < value.length) {
    PAIR.lastIndex = at;
    const match = PAIR.exec(value);
    if (match === null) return undefined;
    const [text, name, quoted, plain, separator] = match;
    if (name !== undefined) {
      const key = name.toLowerCase();
      if (element.has(key)) return undefined;
      element.set(key, plain ?? (quoted as string).replaceAll(QUOTED_PAIR, "$1"));
    }
    at += text.length;
    if (separator === ",") close();
    else if (separator === "" && at < value.length) return undefined;
    // Without this an empty match would never end.
    else if (text === "") return undefined;
  }
  close();
  return elements;
}

const PAIR = /[ \t]*(?:([\w!#$%&'*+\-.^`|~]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?[ \t]*([;,]|$|)/y;
const QUOTED_PAIR = /\\(.)/g;
