/** @file JSON: an array of records (objects), or of rows (arrays, whose columns are called "0", "1", …). */
import { count, DataError, list, quote } from "../errors.js";
import { decodeUtf8, measure, privateBytes, readBytes, requireUtf8 } from "../file.js";
import { sequencesColumn, valuesColumn } from "../nested.js";
import { type DataPath, locate } from "../path.js";
import { type Column, type ColumnHeader, recordPlace, tableOf, unknownColumn } from "../table.js";
import type { SourceOf, SourceReader } from "./source.js";

/** Parsed JSON takes several times the file's size; larger data belong in another format. */
const mostBytes = 2 ** 28;
/** `dlc validate` looks into files up to this size. */
const smallFile = 10 * 2 ** 20;

export const json: SourceReader<"json"> = {
  name: (source) => source.path,

  async read(source, { base, wants }) {
    const file = locate(source.path, base);
    const records = await readRecords(source, file);
    const place = recordPlace(file.shown);
    const columns = new Map<string, Column>();
    for (const [name, { sequence }] of wants) {
      const toColumn = sequence === true ? sequencesColumn : valuesColumn;
      columns.set(name, toColumn(valuesOf(records, name, file), name, place));
    }
    return tableOf(columns, file.shown);
  },

  async describe(source, { base }, report) {
    const header = new Map<string, ColumnHeader>();
    try {
      const file = locate(source.path, base);
      if ((await measure(file)).bytes > smallFile) return header;
      const records = await readRecords(source, file);
      for (const name of Object.keys(records[0] ?? {})) {
        header.set(name, { kind: null, rows: records.length, shape: null, place: file.shown });
      }
    } catch (error) {
      report(error);
    }
    return header;
  },
};

type Row = Readonly<Record<string, unknown>>;

function valuesOf(records: readonly Row[], name: string, file: DataPath): unknown[] {
  if (!Object.hasOwn(records[0] ?? {}, name)) {
    throw unknownColumn(name, Object.keys(records[0] ?? {}), file.shown);
  }
  return records.map((record, i) => {
    if (Object.hasOwn(record, name)) return record[name];
    throw new DataError("missing-value", `this record has no '${name}'`, {
      place: recordPlace(file.shown)(i),
      column: name,
      help: "Every record needs all the columns that features use.",
    });
  });
}

/** The array of rows in the file, each checked to be an object or array. */
async function readRecords(
  source: Pick<SourceOf<"json">, "at">,
  file: DataPath,
): Promise<readonly Row[]> {
  const document = await parse(file);
  const array = source.at === null ? document : valueAt(document, source.at, file);
  if (!Array.isArray(array)) throw notAnArray(file, source.at, document);
  if (array.length === 0) {
    throw new DataError("no-rows", `${file.shown} has no rows`, {
      place: file.shown,
      help: "There must be at least one record.",
    });
  }
  array.forEach((row, i) => {
    if (typeof row !== "object" || row === null || Array.isArray(row) !== Array.isArray(array[0])) {
      throw new DataError("mixed-values", "this is not a record like the first", {
        place: recordPlace(file.shown)(i),
        help: "The array must hold objects only, or arrays only.",
      });
    }
    if (Array.isArray(row) && row.length !== (array[0] as unknown[]).length) {
      throw new DataError(
        "ragged-row",
        `this row has ${count(row.length, "value")}, but the first has ${(array[0] as unknown[]).length}`,
        { place: recordPlace(file.shown)(i), help: "All rows need the same number of values." },
      );
    }
  });
  return array as readonly Row[];
}

function valueAt(document: unknown, key: string, file: DataPath): unknown {
  const isObject = typeof document === "object" && document !== null && !Array.isArray(document);
  if (isObject && Object.hasOwn(document, key)) return (document as Row)[key];
  const keys = isObject ? Object.keys(document) : [];
  throw new DataError("unknown-column", `${file.shown} has no key ${quote(key)} at its top`, {
    place: file.shown,
    help: `Let \`at\` name the key that holds the rows. Its keys are: ${list(keys)}.`,
    wrong: { word: key, known: keys },
  });
}

async function parse(file: DataPath): Promise<unknown> {
  const bytes = await readBytes(file, privateBytes);
  if (bytes.length > mostBytes) {
    throw new DataError("data-too-large", `${file.shown} is too large for JSON`, {
      place: file.shown,
      help: "Convert it to CSV or npy, which are read piece by piece.",
    });
  }
  requireUtf8(file, bytes);
  // A byte order mark is not JSON, but common: decoding drops it.
  const text = decodeUtf8(file, bytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : "";
    throw new DataError("json-syntax", `${file.shown} is not JSON: ${reason}`, {
      place: file.shown,
      help: "Check the file with a JSON validator.",
      cause,
    });
  }
}

function notAnArray(file: DataPath, at: string | null, document: unknown): DataError {
  const isObject = typeof document === "object" && document !== null;
  const arrays = isObject
    ? Object.entries(document)
        .filter(([, value]) => Array.isArray(value))
        .map(([key]) => key)
    : [];
  return new DataError(
    "wrong-file-format",
    at === null
      ? `${file.shown} is not an array of rows`
      : `'${at}' in ${file.shown} is not an array`,
    {
      place: file.shown,
      help:
        arrays[0] === undefined
          ? "The rows must be an array of objects."
          : `If ${quote(arrays[0])} holds the rows, write at: ${quote(arrays[0])} beside the path.`,
    },
  );
}
