/** Text of others on its way into HTML: nothing of it is ever markup, and none of it is longer than it may be. */

/** What would be seen as something else than it is: controls (but for tabs and ends of lines) and marks that turn the text. */
const DECEIVING = /[^\P{Cc}\t\n\r]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** For text and for quoted attributes. */
export function escaped(text: string): string {
  return text.replace(DECEIVING, "\ufffd").replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The same, cut where it would be longer than `mostBytes` as it is sent. */
export function clipped(text: string, mostBytes: number): string {
  const whole = text.length <= mostBytes ? escaped(text) : undefined;
  if (whole !== undefined && Buffer.byteLength(whole) <= mostBytes) return whole;
  let [html, bytes] = ["", 0];
  for (const character of text.slice(0, mostBytes)) {
    const piece = escaped(character);
    bytes += Buffer.byteLength(piece);
    if (bytes > mostBytes) break;
    html += piece;
  }
  return `${html}…`;
}

/** The pieces that there are, one behind the other. */
export function joined(pieces: readonly string[], between = ", "): string {
  return pieces.filter((piece) => piece !== "").join(between);
}
