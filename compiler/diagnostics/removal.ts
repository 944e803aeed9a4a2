/** @file Taking an item of a list or a key of a map out of YAML text, with what belongs to it. */
import type { Span } from "../ir/origin.js";

/**
 * The range to delete so that the item or `key: value` at `span` disappears: its whole lines in block
 * style, else the comma before or after it as well. Null where neither applies.
 */
export function removalOf(text: string, span: Span): Span | null {
  const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
  const before = text.slice(lineStart, span.start);
  const newline = text.indexOf("\n", span.end);
  const lineEnd = newline < 0 ? text.length : newline + 1;
  const after = text.slice(span.end, lineEnd);
  const aloneAfter = /^[ \t]*(#.*)?\r?\n?$/.test(after);
  if (/^[ \t]*(-[ \t]+)?$/.test(before) && aloneAfter) {
    // `- key: value` with more keys below: the dash belongs to those.
    if (/-[ \t]+$/.test(before) && hasMoreKeys(text, before.length, lineEnd)) return null;
    return { ...span, start: lineStart, end: lineEnd };
  }
  const comma = /,\s*$/.exec(text.slice(0, span.start));
  if (comma !== null) return { ...span, start: comma.index };
  const next = /^\s*,[ \t]*/.exec(text.slice(span.end));
  if (next !== null) return { ...span, end: span.end + next[0].length };
  return null;
}

/** Does the next line go on in the column after the dash? */
function hasMoreKeys(text: string, column: number, lineEnd: number): boolean {
  const line = text.slice(lineEnd, lineEnd + column + 1);
  return line.length > column && line.slice(0, column).trim() === "" && line[column] !== " ";
}

/** The range of `key: value`, given that of the value; null where the key is not right before it. */
export function pairOf(text: string, key: string, value: Span): Span | null {
  const before = text.slice(Math.max(0, value.start - key.length - 100), value.start);
  const at = before.lastIndexOf(key);
  if (at < 0 || !/^["']?\s*:\s+$/.test(before.slice(at + key.length))) return null;
  const quoted = /["']$/.test(before.slice(0, at)) ? 1 : 0;
  return { ...value, start: value.start - before.length + at - quoted };
}
