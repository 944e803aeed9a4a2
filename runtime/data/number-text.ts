/** @file Numbers written as text. */
import { DataError, quote } from "./errors.js";

/** How other programs write "no value". */
const missing = new Set(["", "na", "n/a", "nan", "null", "none", "nil", "?", "-"]);
const largest = 3.4028234663852886e38; // of float32

/** The number that a cell holds; `place` and `column` are for the message. Spaces around it do not count. */
export function parseNumber(text: string, column: string, place: () => string): number {
  const value = Number(text);
  // Number() also reads "" as 0, and 0x10, 0b1, Infinity: none of them is meant in a data file.
  if (Number.isFinite(value) && isDecimal(text)) return inRange(value, column, place);
  const cell = text.trim();
  if (missing.has(cell.toLowerCase())) {
    throw new DataError(
      "missing-value",
      `'${column}' has no value${cell === "" ? "" : ` (${quote(cell)})`}`,
      {
        place: place(),
        column,
        help: "Fill the cell in or remove the row; every row needs all its features.",
      },
    );
  }
  throw new DataError("not-a-number", `${quote(text)} in '${column}' is not a number`, {
    place: place(),
    column,
    help: "Write numbers like 12, -0.5 or 1e-3; for words use a feature of type category, for sentences one of type text.",
  });
}

/** The same for a number that is one already. */
export function checkNumber(value: number, column: string, place: () => string): number {
  if (Number.isNaN(value)) {
    throw new DataError("missing-value", `'${column}' has no value (NaN)`, {
      place: place(),
      column,
      help: "Fill the value in or remove the row; every row needs all its features.",
    });
  }
  return inRange(value, column, place);
}

function inRange(value: number, column: string, place: () => string): number {
  if (value <= largest && value >= -largest) return value;
  throw new DataError("value-out-of-range", `${value} in '${column}' does not fit a 32-bit float`, {
    place: place(),
    column,
    help: `Numbers must lie between -${largest} and ${largest}.`,
  });
}

function isDecimal(text: string): boolean {
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 48 && c <= 57) digits++;
    // sign, point, exponent, space, tab
    else if (c !== 43 && c !== 45 && c !== 46 && c !== 69 && c !== 101 && c !== 32 && c !== 9) {
      return false;
    }
  }
  return digits > 0;
}
