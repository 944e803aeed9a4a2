/** @file Nested JavaScript arrays of numbers as flat rows: their shape is found and must be the same in every row. */

import { count, DataError, quote, showShape } from "./errors.js";
import { GrowingNumbers } from "./growing.js";
import { checkNumber } from "./number-text.js";
import { type Column, type NumberColumn, numberColumn } from "./table.js";

const deepest = 8;

/** Shape by the first elements: [[1, 2], [3, 4]] → [2, 2]; a number → []. */
export function shapeOf(value: unknown): readonly number[] {
  const shape: number[] = [];
  for (let v = value; isArrayLike(v) && shape.length < deepest; v = v[0]) shape.push(v.length);
  return shape;
}

export function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** Appends all numbers of `value`, which must have just this shape. */
export function flatten(
  value: unknown,
  shape: readonly number[],
  name: string,
  place: () => string,
  push: (value: number) => void,
): void {
  const walk = (v: unknown, axis: number): void => {
    const length = shape[axis];
    if (length === undefined) {
      push(toNumber(v, name, place));
      return;
    }
    if (!isArrayLike(v) || v.length !== length) throw raggedValue(v, shape, axis, name, place());
    for (let i = 0; i < length; i++) walk(v[i], axis + 1);
  };
  walk(value, 0);
}

export function toNumber(value: unknown, name: string, place: () => string): number {
  if (typeof value === "number") return checkNumber(value, name, place);
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null || value === undefined) throw noValue(name, place());
  throw notNumber(value, name, place());
}

export const notNumber = (value: unknown, name: string, place: string): DataError =>
  new DataError("not-a-number", `'${name}' holds ${describe(value)} where a number is expected`, {
    place,
    column: name,
    help: "Write plain numbers; all rows must have the same shape.",
  });

function describe(value: unknown): string {
  if (typeof value === "string") return `the text ${quote(value)}`;
  return isArrayLike(value) ? "a list" : kinds[typeof value];
}

/** Values of each JavaScript type, in the words of a data file. */
const kinds = {
  string: "text",
  number: "numbers",
  bigint: "numbers",
  boolean: "true/false",
  object: "an object",
  undefined: "nothing",
  function: "a function",
  symbol: "a symbol",
} as const;

function noValue(name: string, place: string): DataError {
  return new DataError("missing-value", `'${name}' has no value`, {
    place,
    column: name,
    help: "Fill the value in or remove the row; every row needs all its features.",
  });
}

function raggedValue(
  value: unknown,
  shape: readonly number[],
  axis: number,
  name: string,
  place: string,
): DataError {
  const got = isArrayLike(value) ? count(value.length, "value") : "a single value";
  return new DataError(
    "ragged-row",
    `'${name}' has ${got} on axis ${axis}, but the shape is ${showShape(shape)}`,
    { place, column: name, help: "All rows must have the same shape." },
  );
}

/** Rows of equally nested numbers as a column: u8 if they all fit, else i32, else f32. */
export function nestedColumn(
  rows: readonly unknown[],
  name: string,
  place: (row: number) => string,
): NumberColumn {
  const shape = shapeOf(rows[0]);
  const numbers = new GrowingNumbers("u8");
  rows.forEach((row, i) => {
    flatten(
      row,
      shape,
      name,
      () => place(i),
      (value) => numbers.push(value),
    );
  });
  return numberColumn(numbers.take(), rows.length, shape, place);
}

/** Values that are lists of any length; text stays text. */
export function sequencesColumn(
  values: readonly unknown[],
  name: string,
  place: (row: number) => string,
): Column {
  const [first] = values;
  if (typeof first === "string") return valuesColumn(values, name, place);
  return { kind: "values", rows: values.length, values, place };
}

/** Values that are text (or booleans) in every row, or numbers in every row, as a column. */
export function valuesColumn(
  values: readonly unknown[],
  name: string,
  place: (row: number) => string,
): NumberColumn | { kind: "text"; rows: number; values: string[]; place: (row: number) => string } {
  const [first] = values;
  if (typeof first !== "string" && typeof first !== "boolean")
    return nestedColumn(values, name, place);
  const texts = values.map((value, i) => {
    if (typeof value === typeof first) return String(value);
    if (value === null || value === undefined) throw noValue(name, place(i));
    throw new DataError(
      "mixed-values",
      `'${name}' mixes ${kinds[typeof first]} and ${kinds[typeof value]}`,
      {
        place: place(i),
        column: name,
        help: "All values of a column must be of one kind: all text, or all numbers.",
      },
    );
  });
  return { kind: "text", rows: texts.length, values: texts, place };
}
