/** @file Text in the place of a column's values: captions made of labels. */
import { DataError, list, quote } from "./errors.js";
import { type Column, rowSize, type TextColumn } from "./table.js";

/**
 * The column with each value's words in its place. Values are looked up as text: 7 is "7".
 * @throws DataError `unknown-label` for a value without words, `data-shape-mismatch` for lists.
 */
export function spelledOut(
  column: Column,
  words: Readonly<Record<string, string>>,
  name: string,
): TextColumn {
  const { rows, place } = column;
  if (column.kind === "values" || (column.kind === "numbers" && rowSize(column.shape) !== 1)) {
    throw new DataError("data-shape-mismatch", `'${name}' has words for single values, not lists`, {
      place: place(0),
      help: "Name a column with one value per row.",
    });
  }
  const given = column.kind === "text" ? column.values : column.data;
  const values = Array.from({ length: rows }, (_, row): string => {
    const value = String(given[row]);
    if (Object.hasOwn(words, value)) return words[value] as string;
    throw new DataError("unknown-label", `${quote(value)} has no words for '${name}'`, {
      place: place(row),
      help: `There are words for: ${list(Object.keys(words))}. Add it to 'words', or correct the data.`,
    });
  });
  return { kind: "text", rows, values, place };
}
