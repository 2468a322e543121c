/**
 * The code blocks of a guide as a script: what its readers write to files, type, and see. In the guide a block is
 *
 * - a file, when a name stands behind the language: ```js app.mjs
 * - commands, in the language `sh`; `sh look` changes nothing and is typed again until what is shown is seen
 * - what the commands before it show, in the language `text`
 *
 * In what is shown `…` stands for anything, and a line of it for any lines; a number of one digit is meant, a longer one
 * stands for any number. Where such a number comes up in a later command, it is the one that was seen. Pure.
 */

export type Block =
  | { readonly kind: "file"; readonly line: number; readonly name: string; readonly text: string }
  | {
      readonly kind: "commands";
      readonly line: number;
      readonly text: string;
      readonly isLook: boolean;
      /** What is seen then; undefined where the guide does not say. */
      readonly shown: string | undefined;
    };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The blocks of `markdown`, in order. Throws at one that is none of the three. */
export function pageBlocks(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm)) {
    const [, language, word = "", text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    const last = blocks.at(-1);
    if (language === "sh" && (word === "" || word === "look"))
      blocks.push({ kind: "commands", line, text, isLook: word === "look", shown: undefined });
    else if (language === "text" && last?.kind === "commands" && last.shown === undefined)
      (last as Mutable<typeof last>).shown = text;
    else if (language !== "sh" && /^[\w-]+\.[\w.-]+$/.test(word)) blocks.push({ kind: "file", line, name: word, text });
    else throw new Error(`line ${line}: neither a file, nor commands, nor what commands show`);
  }
  return blocks;
}

/** Numbers of the guide, and what they are here. */
export type Numbers = Map<string, string>;

/** The text with the numbers of the guide as they are here. */
export function withNumbers(text: string, numbers: Numbers): string {
  return text.replaceAll(/\d{4,}/g, (number) => numbers.get(number) ?? number);
}

/**
 * Compares what was seen with what the guide shows, and notes what its numbers are here.
 * @returns undefined, or the first line of the guide that was not seen
 */
export function differs(shown: string, seen: string, numbers: Numbers): string | undefined {
  const lines = seen.split("\n").filter((line) => line.trim() !== "");
  const found: Numbers = new Map();
  let at = 0;
  let isGap = false;
  for (const expected of shown.split("\n").filter((line) => line.trim() !== "")) {
    if (expected.trim() === "…") {
      isGap = true;
      continue;
    }
    const matches = lines.slice(at, isGap ? undefined : at + 1).map((line) => matchLine(expected, line));
    const index = matches.findIndex((match) => match !== undefined);
    if (index === -1) return expected;
    for (const [number, here] of matches[index] ?? []) found.set(number, here);
    at += index + 1;
    isGap = false;
  }
  if (at < lines.length && !isGap) return `nothing more, but there is: ${lines[at]}`;
  for (const [number, here] of found) numbers.set(number, here);
  return undefined;
}

/** The numbers of a line that matches. */
function matchLine(expected: string, line: string): readonly (readonly [string, string])[] | undefined {
  const numbers: string[] = [];
  const pattern = expected.trim().replaceAll(/…|\s+|\d[\d.]*\d|[$()*+.?[\\\]^{|}]/g, (part) => {
    if (part === "…") return ".*";
    if (/^\s/.test(part)) return String.raw`\s+`;
    if (!/^\d/.test(part)) return `\\${part}`;
    numbers.push(part);
    return String.raw`(\d[\d.]*)`;
  });
  const match = new RegExp(`^${pattern}$`, "u").exec(line.trim());
  return match === null ? undefined : numbers.map((number, index) => [number, match[index + 1] ?? number]);
}
