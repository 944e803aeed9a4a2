/** @file Columns that the caller passes in memory. */
import { count, DataError, list } from "../errors.js";
import { sequencesColumn, valuesColumn } from "../nested.js";
import {
  type Column,
  columnOf,
  type NumberColumn,
  numberColumn,
  recordPlace,
  rowSize,
  sharedArray,
  tableOf,
} from "../table.js";
import type { SourceReader } from "./source.js";

/**
 * One column: a value per row (numbers, text, typed arrays or nested arrays), or all rows in one flat
 * array with the `shape` of the whole, rows first.
 */
export type ArrayColumn =
  | readonly unknown[]
  | Uint8Array
  | Int32Array
  | Float32Array
  | Float64Array
  | {
      readonly data: Uint8Array | Int32Array | Float32Array | Float64Array;
      readonly shape: readonly number[];
    };

export type ArrayColumns = Readonly<Record<string, ArrayColumn>>;

const name = "the arrays passed in";

export const arrays: SourceReader<"arrays"> = {
  name: () => name,

  async read(_source, { arrays: given, wants }) {
    if (given === undefined) throw arraysMissing([...wants.keys()]);
    const known = new Map(Object.entries(given));
    const columns = new Map<string, Column>();
    for (const [column, { sequence = false }] of wants) {
      columns.set(column, toColumn(columnOf(known, column, name), column, sequence));
    }
    return tableOf(columns, name);
  },

  // Nothing can be told before the program runs.
  describe: async () => new Map(),
};

function arraysMissing(columns: readonly string[]): DataError {
  return new DataError("arrays-missing", "this model's data are passed in by the program", {
    help: `Pass the columns ${list(columns)} to train() or evaluate(); on the command line, name a source with files in the spec.`,
  });
}

function toColumn(values: ArrayColumn, column: string, sequence: boolean): Column {
  const place = recordPlace(`column '${column}'`);
  if (Array.isArray(values)) {
    return sequence ? sequencesColumn(values, column, place) : valuesColumn(values, column, place);
  }
  if (ArrayBuffer.isView(values)) return flat(values, [values.length], column, place);
  const { data, shape } = values as Exclude<ArrayColumn, readonly unknown[] | ArrayBufferView>;
  return flat(data, shape, column, place);
}

function flat(
  values: Uint8Array | Int32Array | Float32Array | Float64Array,
  shape: readonly number[],
  column: string,
  place: (row: number) => string,
): NumberColumn {
  const [rows = 0, ...rest] = shape;
  if (shape.length === 0 || rowSize(shape) !== values.length) {
    throw new DataError(
      "data-shape-mismatch",
      `'${column}' has ${count(values.length, "number")}, but its shape [${shape.join(", ")}] needs ${rowSize(shape)}`,
      { help: "The shape begins with the number of rows; its product is the number of elements." },
    );
  }
  const dtype = values instanceof Uint8Array ? "u8" : values instanceof Int32Array ? "i32" : "f32";
  const data = sharedArray(dtype, values.length);
  data.set(values);
  return numberColumn(data, rows, rest, place);
}
