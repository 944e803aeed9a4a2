/** @file What sources yield: tables of named columns, before features are encoded. */
import { type HostArray, sizeOf } from "../tensor.js";
import { count, DataError, listNames } from "./errors.js";

export type NumberData = Uint8Array | Int32Array | Float32Array;

/** Numbers, `shape` of them per row, row-major. */
export interface NumberColumn {
  readonly kind: "numbers";
  readonly rows: number;
  readonly shape: readonly number[];
  readonly data: NumberData;
  /** Where a row stands, for messages: "iris.csv:12", "labels.idx, record 5 (counted from 0)". */
  readonly place: (row: number) => string;
}

export interface TextColumn {
  readonly kind: "text";
  readonly rows: number;
  readonly values: readonly string[];
  readonly place: (row: number) => string;
}

/** Values that differ in shape from row to row, as the source has them: lists, of numbers or of lists. */
export interface ValuesColumn {
  readonly kind: "values";
  readonly rows: number;
  readonly values: readonly unknown[];
  readonly place: (row: number) => string;
}

export type Column = NumberColumn | TextColumn | ValuesColumn;

export interface Table {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, Column>;
}

/** What the features need of a column. Readers yield just the wanted columns. */
export interface Want {
  /** Some feature reads it as text or labels: keep what the file says. */
  readonly text: boolean;
  /** Some feature reads it as an image of this shape. */
  readonly image: {
    readonly shape: readonly [number, number, number];
    readonly resize: boolean;
  } | null;
  /** Some feature reads it as sequences, whose rows need not be of one length. */
  readonly sequence?: boolean;
}

export type Wants = ReadonlyMap<string, Want>;

/** What can be told of a column without reading all of it; null: not known yet. */
export interface ColumnHeader {
  readonly kind: "numbers" | "text" | null;
  readonly rows: number | null;
  readonly shape: readonly number[] | null;
  /** The file, for messages. */
  readonly place: string;
  /** All labels, where the source tells them at once (folders, one file per class). */
  readonly classes?: readonly string[];
  /** Reads all labels; only on columns that are small enough to do so at once. */
  readonly load?: () => Promise<Column>;
}

export type Header = ReadonlyMap<string, ColumnHeader>;

export function recordPlace(file: string): (row: number) => string {
  return (row) => `${file}, record ${row} (counted from 0)`;
}

/** Numbers per row. */
export const rowSize: (shape: readonly number[]) => number = sizeOf;

export function numberColumn(
  data: NumberData,
  rows: number,
  shape: readonly number[],
  place: (row: number) => string,
): NumberColumn {
  return { kind: "numbers", data, rows, shape, place };
}

/** Memory that threads share; plain memory in pages, which may not be allowed to share any. */
const Memory: new (bytes: number) => ArrayBufferLike =
  globalThis.SharedArrayBuffer ?? globalThis.ArrayBuffer;

/** A typed array over shared memory, so that the batch worker needs no copy. */
export function sharedArray(dtype: "u8" | "i32" | "f32", length: number): NumberData {
  if (dtype === "u8") return new Uint8Array(new Memory(length));
  const buffer = new Memory(length * 4);
  return dtype === "i32" ? new Int32Array(buffer) : new Float32Array(buffer);
}

export function isShared(data: HostArray): boolean {
  return data.buffer instanceof Memory;
}

/** Columns of equal length as a table. `files`: what they came from, for the message. */
export function tableOf(columns: ReadonlyMap<string, Column>, source: string): Table {
  const entries = [...columns];
  const first = entries[0];
  if (first === undefined) return { rows: 0, columns };
  for (const [name, column] of entries) {
    if (column.rows !== first[1].rows) throw unequalRows(first, [name, column]);
  }
  if (first[1].rows === 0) {
    throw new DataError("no-rows", `${source} has no rows`, {
      place: source,
      help: "There must be at least one row to read.",
    });
  }
  return { rows: first[1].rows, columns };
}

export function unequalRows(
  a: readonly [string, { readonly rows: number | null }],
  b: readonly [string, { readonly rows: number | null }],
): DataError {
  return new DataError(
    "row-count-mismatch",
    `the column '${a[0]}' has ${count(a[1].rows ?? 0, "row")}, but '${b[0]}' has ${count(b[1].rows ?? 0, "row")}`,
    { help: "Columns of one source belong together row by row; check that the files match." },
  );
}

/** The column `name`, or an error that lists what there is. */
export function columnOf<C>(columns: ReadonlyMap<string, C>, name: string, source: string): C {
  const column = columns.get(name);
  if (column === undefined) throw unknownColumn(name, [...columns.keys()], source);
  return column;
}

export function unknownColumn(name: string, known: readonly string[], source: string): DataError {
  return new DataError("unknown-column", `${source} has no column '${name}'`, {
    place: source,
    help: columnsHelp(known),
    wrong: { word: name, known },
  });
}

function columnsHelp(known: readonly string[]): string {
  const shown = listNames(known);
  if (shown !== "") return `Its columns are: ${shown}.`;
  const [cell = ""] = known;
  const delimiter = known.length === 1 ? [";", "\t", "|", ","].find((d) => cell.includes(d)) : null;
  return delimiter
    ? `Its first row is a single cell with ${JSON.stringify(delimiter)} in it: if that is the delimiter, write delimiter: ${JSON.stringify(delimiter)} beside the path.`
    : "No column has a plain name: check that it is the right file and, of CSV, the delimiter.";
}
