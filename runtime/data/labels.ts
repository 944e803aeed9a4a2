/** @file Labels: from what a source holds to an index into the classes. */

import type { FeatureSpec, FittedFacts } from "../spec.js";
import { didYouMean } from "../suggest.js";
import { DataError, list, quote } from "./errors.js";
import { type Column, type NumberColumn, rowSize, sharedArray } from "./table.js";

/**
 * How integers name classes. Where every class is an integer itself ("0" … "9", or "3" and "7"), the
 * integer is the class of that name; else it is the position in the list (0: the first class).
 */
function classOfInteger(classes: readonly string[]): (value: number) => number | undefined {
  if (!classes.every(isInteger)) {
    return (value) => (value >= 0 && value < classes.length ? value : undefined);
  }
  const index = new Map(classes.map((name, i) => [Number(name), i]));
  return (value) => index.get(value);
}

function isInteger(name: string): boolean {
  const value = Number(name);
  return Number.isSafeInteger(value) && String(value) === name;
}

/** One label from text; null: not a class. */
export function classOfText(classes: readonly string[], text: string): number | null {
  const i = classes.indexOf(text);
  return i === -1 ? null : i;
}

/**
 * i32 index of every row's class. `rows` limits which rows are looked at (all others are 0).
 * Throws at the first row whose label is not one of the classes.
 */
export function encodeLabels(
  column: Column,
  classes: readonly string[],
  name: string,
  rows?: Uint32Array,
): Int32Array {
  const indices = sharedArray("i32", column.rows) as Int32Array;
  const read = labelReader(column, classes, name);
  for (let i = 0; i < (rows?.length ?? column.rows); i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    indices[row] = read(row);
  }
  return indices;
}

function labelReader(
  column: Column,
  classes: readonly string[],
  name: string,
): (row: number) => number {
  if (column.kind === "text") {
    const index = new Map(classes.map((label, i) => [label, i]));
    return (row) => {
      const label = column.values[row] as string;
      const i = index.get(label);
      if (i === undefined)
        throw unknownRowLabel(quote(label), label, classes, name, column.place(row));
      return i;
    };
  }
  checkSingle(column, name);
  checkOneLabel(column, name);
  const classOf = classOfInteger(classes);
  return (row) => {
    const value = column.data[row] as number;
    const i = classOf(value);
    if (i !== undefined && Number.isInteger(value)) return i;
    if (!Number.isInteger(value)) throw notInteger(value, name, column.place(row));
    throw unknownRowLabel(String(value), String(value), classes, name, column.place(row));
  };
}

/** The classes that occur in `rows`, sorted: as numbers if all are numbers, else by code unit. */
export function findClasses(column: Column, rows: Uint32Array, name: string): string[] {
  const found = new Set<string>();
  if (column.kind === "text") {
    for (const row of rows) found.add(column.values[row] as string);
  } else {
    checkSingle(column, name);
    checkOneLabel(column, name);
    for (const row of rows) {
      const value = column.data[row] as number;
      if (!Number.isInteger(value)) throw notInteger(value, name, column.place(row));
      found.add(String(value));
    }
  }
  return sortClasses([...found]);
}

export function sortClasses(classes: readonly string[]): string[] {
  const numeric = classes.every((c) => c.trim() !== "" && Number.isFinite(Number(c)));
  const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...classes].sort(numeric ? (a, b) => Number(a) - Number(b) || byText(a, b) : byText);
}

/** Lists of any length, which some feature reads as sequences, are no labels. */
function checkSingle(
  column: Exclude<Column, { kind: "text" }>,
  name: string,
): asserts column is NumberColumn {
  if (column.kind === "numbers") return;
  throw new DataError("data-shape-mismatch", `'${name}' needs one label per row, not lists`, {
    place: column.place(0),
    help: "Name the column of labels.",
  });
}

/** The classes of a category, from the spec or fitted; none for other types. */
export function classesOf(
  name: string,
  feature: FeatureSpec,
  facts: FittedFacts,
): readonly string[] {
  if (feature.type !== "category") return [];
  const classes = feature.classes ?? facts[name]?.classes;
  if (classes !== undefined) return classes;
  throw new DataError("unknown-label", `the classes of '${name}' are not known`, {
    help: "List them as `classes` in the spec, or build the model where its data can be read.",
  });
}

function checkOneLabel(column: Column & { kind: "numbers" }, name: string): void {
  if (rowSize(column.shape) === 1) return;
  throw new DataError(
    "data-shape-mismatch",
    `'${name}' needs one label per row, but there are ${rowSize(column.shape)} numbers`,
    { place: column.place(0), help: "Use a column of labels, not of one-hot rows or images." },
  );
}

function notInteger(value: number, name: string, place: string): DataError {
  return new DataError("label-not-integer", `${value} is not a label of '${name}'`, {
    place,
    help: "Labels are text or whole numbers; for measured values use the type number.",
  });
}

/** A row of a source, whose spec can be changed. */
export const unknownRowLabel = (...of: Parameters<typeof unknownLabel>): DataError =>
  unknownLabel(of[0], of[1], of[2], of[3], of[4], " Add it, or correct the data.");

/** `remedy`: besides naming one of the classes. */
export function unknownLabel(
  shown: string,
  label: string,
  classes: readonly string[],
  name: string,
  place: string,
  remedy = "",
): DataError {
  const hint =
    label.trim() !== label && classes.includes(label.trim())
      ? " There are spaces around the label."
      : didYouMean(label, classes);
  return new DataError("unknown-label", `${shown} is not a class of '${name}'`, {
    place,
    help: `The classes are: ${list(classes)}.${remedy}${hint}`,
  });
}
