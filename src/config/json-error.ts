/**
 * Where text stops being JSON, as line and column. The messages of `JSON.parse` tell it only sometimes, and differently
 * on each version of Node. A recogniser of RFC 8259 that keeps nothing.
 */

export interface JsonError {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** What would have done there, in words. */
  readonly expected: string;
}

/** The first place where `text`, which `JSON.parse` refused, is wrong. */
export function firstJsonError(text: string): JsonError {
  const scanner = new Scanner(text);
  const expected = scanner.value() ?? scanner.end() ?? "something is wrong here";
  const before = text.slice(0, scanner.at);
  const line = before.split("\n").length;
  return { line, column: scanner.at - before.lastIndexOf("\n"), expected };
}

/** Each method returns undefined and moves on, or returns what was expected and stays. */
class Scanner {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(): string | undefined {
    if (this.#take(/\{/y)) return this.#list("}", () => this.#member());
    if (this.#take(/\[/y)) return this.#list("]", () => this.value());
    if (this.#take(STRING) || this.#take(NUMBER) || this.#take(/(?:true|false|null)\b/y)) return undefined;
    return this.#expected(
      `a value is expected (${this.#isAt(/'/y) ? "strings take double quotes" : "an object, a list, a string in double quotes, a number, true, false or null"})`,
    );
  }

  end(): string | undefined {
    this.#take(/\s*/y);
    return this.at === this.#text.length ? undefined : this.#expected("nothing more is expected after the value");
  }

  #list(close: "}" | "]", item: () => string | undefined): string | undefined {
    const closing = close === "}" ? /\}/y : /\]/y;
    if (this.#take(closing)) return undefined;
    do {
      if (this.#isAt(closing)) return this.#expected(`there is a comma before the ${close}, which JSON does not allow`);
      const wrong = item();
      if (wrong !== undefined) return wrong;
    } while (this.#take(/,/y));
    return this.#take(closing) ? undefined : this.#expected(`a comma or ${close} is expected`);
  }

  #member(): string | undefined {
    if (!this.#take(STRING)) return this.#expected("a key in double quotes is expected");
    return this.#take(/:/y) ? this.value() : this.#expected("a colon is expected after the key");
  }

  #expected(what: string): string {
    this.#take(/\s*/y);
    if (this.#isAt(/\/[/*]/y)) return "comments are not JSON";
    return this.at === this.#text.length ? `the text ends too early: ${what}` : what;
  }

  #take(pattern: RegExp): boolean {
    const match = this.#match(pattern);
    if (match === undefined) return false;
    this.at = match;
    return true;
  }

  #isAt(pattern: RegExp): boolean {
    return this.#match(pattern) !== undefined;
  }

  /** Where `pattern` ends when it stands here, after white space. */
  #match(pattern: RegExp): number | undefined {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.#text);
    pattern.lastIndex = SPACE.lastIndex;
    return pattern.test(this.#text) ? pattern.lastIndex : undefined;
  }
}

const SPACE = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex -- RFC 8259 forbids control characters in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
