/** @file Text of users on a terminal: nothing invisible, nothing that moves the cursor or turns the line around. */

/** Control and format characters (bidirectional marks, zero-width: CVE-2021-42574), line separators. */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Every character that would not be seen, or would change how others are, as an escape: `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(
    hidden,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * Text of users as a message quotes it: of a long one the beginning, and the end of what is meant to
 * be copied (a path) or closes it (an expression).
 */
export function brief(text: string, most = 60): string {
  if (text.length <= most) return text;
  const tail = Math.floor(most / 4);
  // Never half of a pair of surrogates.
  const start = text.slice(0, most - tail - 1).replace(/[\ud800-\udbff]$/, "");
  const end = text.slice(-tail).replace(/^[\udc00-\udfff]/, "");
  return `${start}…${end}`;
}

/** Columns that a text takes on a terminal: East Asian wide characters and emoji take two. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character.codePointAt(0) ?? 0);
  return columns;
}

/** First and last code point of the wide ranges that occur in practice. */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function widthOf(code: number): number {
  if (code < 0x300) return 1;
  if (code <= 0x36f || (code >= 0xfe00 && code <= 0xfe0f)) return 0; // combining marks
  return wide.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
