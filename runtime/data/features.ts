/**
 * @file Features and targets as the programs read them: image u8 [H, W, C], number f32 [1],
 * vector f32 [...shape], category i32 [], text i32 [length], sequence f32 [length, channels + 1] per
 * row. Raw: scaling and one-hot are part of the program.
 */
import type { FeatureSpec, FittedFacts } from "../spec.js";
import { count, DataError, showShape } from "./errors.js";
import { classesOf, encodeLabels } from "./labels.js";
import { nestedColumn } from "./nested.js";
import { checkNumber, parseNumber } from "./number-text.js";
import type { Pictures } from "./pictures.js";
import { encodeSequences } from "./sequence.js";
import {
  type Column,
  columnOf,
  isShared,
  type NumberColumn,
  type NumberData,
  numberColumn,
  rowSize,
  sharedArray,
  type Table,
  type Want,
  type Wants,
} from "./table.js";
import { encodeTexts } from "./text.js";

/** All rows of one feature, in shared memory. */
export interface Encoded {
  readonly dtype: "u8" | "i32" | "f32";
  /** Of one row. */
  readonly shape: readonly number[];
  readonly data: NumberData;
}

type FeatureOf<T extends FeatureSpec["type"]> = Extract<FeatureSpec, { readonly type: T }>;

/** The columns behind one feature. */
export interface FeatureColumns {
  readonly name: string;
  readonly columns: ReadonlyMap<string, Column>;
  /** For messages. */
  readonly source: string;
  readonly pictures: Pictures;
}

interface FeatureType<T extends FeatureSpec["type"]> {
  readonly columns: (feature: FeatureOf<T>) => readonly string[];
  readonly want: (feature: FeatureOf<T>) => Want;
  /** `facts`: the classes and vocabularies that the spec does not list. */
  readonly encode: (
    feature: FeatureOf<T>,
    from: FeatureColumns,
    facts: FittedFacts,
  ) => Encoded | Promise<Encoded>;
}

const numbers: Want = { text: false, image: null };

const featureTypes: { readonly [T in FeatureSpec["type"]]: FeatureType<T> } = {
  image: {
    columns: (feature) => [feature.column],
    want: ({ shape, resize }) => ({ text: false, image: { shape, resize } }),
    encode: (feature, from) => encodeImage(feature, from),
  },

  number: {
    columns: (feature) => [feature.column],
    want: () => numbers,
    encode(feature, from) {
      const column = numbersOf(columnOf(from.columns, feature.column, from.source), from.name);
      checkSize(column, [1], from.name);
      return { dtype: "f32", shape: [1], data: toF32(column, feature.column) };
    },
  },

  vector: {
    columns: (feature) => feature.columns,
    want: () => numbers,
    encode(feature, from) {
      const columns = feature.columns.map((name) =>
        numbersOf(columnOf(from.columns, name, from.source), from.name),
      );
      const [first] = columns;
      if (columns.length === 1 && first !== undefined && first.shape.length > 0) {
        checkSize(first, feature.shape, from.name);
        const data = toF32(first, feature.columns[0] ?? from.name);
        return { dtype: "f32", shape: feature.shape, data };
      }
      return { dtype: "f32", shape: feature.shape, data: interleave(columns, feature, from.name) };
    },
  },

  category: {
    columns: (feature) => [feature.column],
    want: () => ({ text: true, image: null }),
    encode(feature, from, facts) {
      const column = columnOf(from.columns, feature.column, from.source);
      const classes = classesOf(from.name, feature, facts);
      return { dtype: "i32", shape: [], data: encodeLabels(column, classes, from.name) };
    },
  },

  text: {
    columns: (feature) => [feature.column],
    want: () => ({ text: true, image: null }),
    encode(feature, from, facts) {
      const column = columnOf(from.columns, feature.column, from.source);
      return encodeTexts(feature, column, from.name, facts);
    },
  },

  sequence: {
    columns: (feature) => [feature.column],
    want: () => ({ text: true, image: null, sequence: true }),
    encode(feature, from) {
      const column = columnOf(from.columns, feature.column, from.source);
      return encodeSequences(feature, column, from.name);
    },
  },
};

function typeOf<F extends FeatureSpec>(feature: F): FeatureType<F["type"]> {
  return featureTypes[feature.type] as unknown as FeatureType<F["type"]>;
}

/** The columns that a feature reads, in order. */
export function columnsOf(feature: FeatureSpec): readonly string[] {
  return typeOf(feature).columns(feature as never);
}

/** What a set of features needs of each column; `by`: columns needed as they are, for splits. */
export function wantsOf(features: readonly FeatureSpec[], by: readonly string[]): Wants {
  const wants = new Map<string, Want>();
  for (const feature of features) {
    const want = typeOf(feature).want(feature as never);
    for (const name of columnsOf(feature)) {
      const other = wants.get(name);
      wants.set(name, {
        text: want.text || other?.text === true,
        image: other?.image ?? want.image,
        sequence: want.sequence === true || other?.sequence === true,
      });
    }
  }
  for (const name of by) if (!wants.has(name)) wants.set(name, { text: true, image: null });
  return wants;
}

/** One feature of all rows of a table. */
export async function encodeFeature(
  name: string,
  feature: FeatureSpec,
  {
    table,
    source,
    facts,
    pictures,
  }: {
    readonly table: Table;
    /** For messages. */
    readonly source: string;
    readonly facts: FittedFacts;
    readonly pictures: Pictures;
  },
): Promise<Encoded> {
  const from = { name, columns: table.columns, source, pictures };
  return typeOf(feature).encode(feature as never, from, facts);
}

async function encodeImage(feature: FeatureOf<"image">, from: FeatureColumns): Promise<Encoded> {
  const stored = columnOf(from.columns, feature.column, from.source);
  const column =
    stored.kind === "values" ? nestedColumn(stored.values, from.name, stored.place) : stored;
  if (column.kind === "text") throw wrongType(column, from.name, "images");
  const pixels = toU8(column, from.name);
  if (fitsImage(column.shape, feature.shape)) {
    return { dtype: "u8", shape: feature.shape, data: pixels };
  }
  const size = feature.resize ? imageSize(column.shape, feature.shape[2]) : null;
  if (size === null) throw wrongShape(column, feature.shape, from.name, feature.resize);
  const length = rowSize(feature.shape);
  const data = sharedArray("u8", column.rows * length);
  const stride = rowSize(column.shape);
  for (let row = 0; row < column.rows; row++) {
    const one = pixels.subarray(row * stride, (row + 1) * stride);
    data.set(await from.pictures.resize(one, size, feature.shape), row * length);
  }
  return { dtype: "u8", shape: feature.shape, data };
}

/** Rows of [H, W, C], [H, W] when C is 1, or H·W·C numbers in a row. */
export function fitsImage(shape: readonly number[], image: readonly number[]): boolean {
  if (shape.length === 1) return shape[0] === rowSize(image);
  const padded = shape.length === 2 ? [...shape, 1] : shape;
  return padded.length === 3 && padded.every((dim, i) => dim === image[i]);
}

/** The size of stored images that can be resized: same number of channels; null if they cannot. */
export function imageSize(
  shape: readonly number[],
  channels: number,
): readonly [number, number, number] | null {
  const [height, width, depth = 1] = shape;
  if (shape.length < 2 || shape.length > 3 || height === undefined || width === undefined)
    return null;
  return depth === channels ? [height, width, depth] : null;
}

/** The column as numbers; text is parsed cell by cell. */
function numbersOf(column: Column, name: string): NumberColumn {
  if (column.kind === "numbers") return column;
  // A sequence reads the same column, so its rows were kept as they are.
  if (column.kind === "values") return nestedColumn(column.values, name, column.place);
  const data = sharedArray("f32", column.rows);
  for (let row = 0; row < column.rows; row++) {
    data[row] = parseNumber(column.values[row] as string, name, () => column.place(row));
  }
  return numberColumn(data, column.rows, [], column.place);
}

function toF32(column: NumberColumn, name: string): Float32Array {
  const { data } = column;
  const stride = rowSize(column.shape);
  if (data instanceof Float32Array) {
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      // A sum of finite numbers is finite: only these two tests are on the hot path.
      if (!(value - value === 0)) {
        checkNumber(value, name, () => column.place(Math.floor(i / stride)));
      }
    }
    if (isShared(data)) return data;
  }
  const copy = sharedArray("f32", data.length) as Float32Array;
  copy.set(data);
  return copy;
}

/** Whole numbers 0 … 255, whatever they are stored as. */
function toU8(column: NumberColumn, name: string): Uint8Array {
  const { data } = column;
  if (data instanceof Uint8Array && isShared(data)) return data;
  const bytes = sharedArray("u8", data.length) as Uint8Array;
  const stride = rowSize(column.shape);
  for (let i = 0; i < data.length; i++) {
    bytes[i] = data[i] as number;
    if (bytes[i] !== data[i]) {
      throw notByte(data[i] as number, name, column.place(Math.floor(i / stride)));
    }
  }
  return bytes;
}

export function notByte(value: number, name: string, place?: string): DataError {
  return new DataError("value-out-of-range", `${value} in '${name}' is not a pixel value`, {
    ...(place === undefined ? {} : { place }),
    help: "Images hold whole numbers from 0 to 255; for other numbers use a feature of type vector.",
  });
}

function interleave(
  columns: readonly NumberColumn[],
  feature: FeatureOf<"vector">,
  name: string,
): Float32Array {
  const width = columns.length;
  const rows = columns[0]?.rows ?? 0;
  if (width !== rowSize(feature.shape)) {
    throw new DataError(
      "data-shape-mismatch",
      `'${name}' has the shape ${showShape(feature.shape)}, but ${count(width, "column")} ${width === 1 ? "is" : "are"} listed`,
      { help: `List ${count(rowSize(feature.shape), "column")}, or leave the shape out.` },
    );
  }
  const data = sharedArray("f32", rows * width) as Float32Array;
  columns.forEach((column, j) => {
    checkSize(column, [1], feature.columns[j] ?? name);
    const values = toF32(column, feature.columns[j] ?? name);
    for (let row = 0; row < rows; row++) data[row * width + j] = values[row] as number;
  });
  return data;
}

function checkSize(column: NumberColumn, shape: readonly number[], name: string): void {
  if (rowSize(column.shape) === rowSize(shape)) return;
  throw wrongShape(column, shape, name, null);
}

/** `resize`: of an image whether it may be resized; null: not an image. */
export function shapeMismatch(
  name: string,
  stored: readonly number[],
  wanted: readonly number[],
  place: string,
  resize: boolean | null,
): DataError {
  const have = stored.length === 0 ? "are single numbers" : `have ${showShape(stored)}`;
  const image = stored.length === 2 ? [...stored, 1] : stored;
  return new DataError(
    "data-shape-mismatch",
    `'${name}' needs the shape ${showShape(wanted)}, but the data ${have}`,
    {
      place,
      help:
        resize === false && stored.length > 1
          ? `Write shape: ${showShape(image)}, or add resize: true.`
          : "Give the feature the shape of the data, or name another column.",
    },
  );
}

function wrongShape(
  column: NumberColumn,
  shape: readonly number[],
  name: string,
  resize: boolean | null,
): DataError {
  const file = column.place(0).replace(/(, record 0 .*|:\d+)$/, "");
  return shapeMismatch(name, column.shape, shape, file, resize);
}

function wrongType(
  column: { readonly place: (row: number) => string },
  name: string,
  wanted: string,
): DataError {
  return new DataError(
    "wrong-column-type",
    `'${name}' needs ${wanted}, but the column holds text`,
    {
      place: column.place(0),
      help: "Text can be a feature of type category; numbers and images need columns of numbers.",
    },
  );
}
