/** @file One JSON file per class, each an array of rows of numbers; empty rows are skipped. Columns: the one named, and label. */
import { count, DataError } from "../errors.js";
import { privateBytes, readBytes } from "../file.js";
import { type DataPath, locate } from "../path.js";
import {
  type Column,
  type ColumnHeader,
  type NumberData,
  numberColumn,
  recordPlace,
  rowSize,
  sharedArray,
  tableOf,
  unknownColumn,
} from "../table.js";
import { JsonMistake, type NumberRows, parseNumberRows } from "./json-rows.js";
import type { SourceReader } from "./source.js";

const labelColumn = "label";

export const jsonByClass: SourceReader<"json_by_class"> = {
  name: (source) => Object.values(source.files).join(", "),

  async read(source, { base, wants }) {
    const known = [source.column, labelColumn];
    for (const name of wants.keys()) {
      if (!known.includes(name)) throw unknownColumn(name, known, jsonByClass.name(source));
    }
    const parts: { readonly label: string; readonly file: DataPath; readonly rows: NumberRows }[] =
      [];
    for (const [label, path] of Object.entries(source.files)) {
      const file = locate(path, base);
      const rows = await readFile(file, source.at);
      checkSame(parts[0], rows, file);
      parts.push({ label, file, rows });
    }
    const starts = parts.map((_, i) => parts.slice(0, i).reduce((n, p) => n + p.rows.rows, 0));
    const total = parts.reduce((n, part) => n + part.rows.rows, 0);
    const place = (row: number): string => {
      const i = starts.findLastIndex((start) => start <= row);
      let record = row - (starts[i] ?? 0);
      for (const skipped of parts[i]?.rows.skipped ?? []) if (skipped <= record) record++;
      return recordPlace(parts[i]?.file.shown ?? "")(record);
    };
    const columns = new Map<string, Column>();
    if (wants.has(source.column)) {
      const data = join(parts.map((part) => part.rows.data));
      columns.set(source.column, numberColumn(data, total, parts[0]?.rows.shape ?? [], place));
    }
    if (wants.has(labelColumn)) {
      const values = parts.flatMap((part) => Array<string>(part.rows.rows).fill(part.label));
      columns.set(labelColumn, { kind: "text", rows: total, values, place });
    }
    return tableOf(columns, jsonByClass.name(source));
  },

  async describe(source, { base }, report) {
    for (const path of Object.values(source.files)) {
      try {
        locate(path, base);
      } catch (error) {
        report(error);
      }
    }
    const common = { rows: null, place: jsonByClass.name(source) };
    return new Map<string, ColumnHeader>([
      [source.column, { ...common, kind: "numbers", shape: null }],
      [labelColumn, { ...common, kind: "text", shape: [], classes: Object.keys(source.files) }],
    ]);
  },
};

async function readFile(file: DataPath, at: string | null): Promise<NumberRows> {
  try {
    const rows = parseNumberRows(await readBytes(file, privateBytes), at);
    if (rows.rows > 0) return rows;
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    throw new DataError(error.kind, `${file.shown}: ${error.message}`, {
      place: error.row === null ? file.shown : recordPlace(file.shown)(error.row),
      help: "The file must be a JSON array of rows of numbers, all of one shape, or hold it under the key `at`.",
    });
  }
  throw new DataError("empty-class", `${file.shown} has no rows`, {
    place: file.shown,
    help: "Each class needs at least one row.",
  });
}

function checkSame(
  first: { readonly file: DataPath; readonly rows: NumberRows } | undefined,
  rows: NumberRows,
  file: DataPath,
): void {
  if (first === undefined || String(first.rows.shape) === String(rows.shape)) return;
  throw new DataError(
    "ragged-row",
    `rows of ${file.shown} have ${count(rowSize(rows.shape), "number")}, those of ${first.file.shown} ${rowSize(first.rows.shape)}`,
    { place: file.shown, help: "The files of all classes must hold rows of the same shape." },
  );
}

/** One array after the other, in the widest of their types. */
function join(parts: readonly NumberData[]): NumberData {
  const has = (type: typeof Float32Array | typeof Int32Array): boolean =>
    parts.some((part) => part instanceof type);
  const length = parts.reduce((n, part) => n + part.length, 0);
  const all = sharedArray(has(Float32Array) ? "f32" : has(Int32Array) ? "i32" : "u8", length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
