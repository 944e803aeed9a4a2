/** @file The data of a model: what its spec names, or what the caller passes in memory. */
import type { DataAccess } from "../data/access.js";
import { fromCanvas, isCanvasPixels } from "../data/canvas-pixels.js";
import { type Dataset, openDataBy, type SplitArrays, type SplitName } from "../data/dataset.js";
import { DataError } from "../data/errors.js";
import type { ArrayColumn, ArrayColumns } from "../data/sources/arrays.js";
import { DlcError } from "../errors.js";
import type { FeatureSpec, ModelDefinition } from "../spec.js";
import { sizeOf } from "../tensor.js";
import type { ExampleColumns, ShapedArray } from "./inputs.js";

const splitNames: readonly SplitName[] = ["train", "validation", "test"];

/** Examples in memory: one set (of training examples, or to evaluate), or one per split. */
export type ExampleData<Example> =
  | ExampleColumns<Example>
  | { readonly [Name in SplitName]?: ExampleColumns<Example> };

/** @throws DlcError `no-data`, and those of openData. */
export async function openModelData(
  access: DataAccess,
  definition: ModelDefinition,
  options: {
    readonly base: string;
    readonly splits: readonly SplitName[];
    /** The split that a single set of examples stands for. */
    readonly single: SplitName;
    readonly examples: ExampleData<Record<string, unknown>> | undefined;
  },
): Promise<Dataset> {
  const { data, facts } = definition;
  if (data === null) {
    throw new DlcError("no-data", `${definition.name} has no data section`, {
      place: "data",
      help: "Add one to its spec: it says what the examples look like, even if they are passed in memory (source: arrays).",
    });
  }
  const { base, splits, single, examples } = options;
  if (examples === undefined) return openDataBy(access, data, facts, { base, splits });
  const features = { ...data.features, ...data.targets };
  const sets: Partial<Record<SplitName, ExampleColumns<Record<string, unknown>>>> = isBySplit(
    examples,
  )
    ? examples
    : { [single]: examples };
  const arrays: SplitArrays = Object.fromEntries(
    Object.entries(sets).map(([name, columns]) => [name, toColumns(features, columns)]),
  );
  return openDataBy(access, data, facts, { base, splits, arrays });
}

function isBySplit(
  examples: ExampleData<Record<string, unknown>>,
): examples is { readonly [Name in SplitName]?: ExampleColumns<Record<string, unknown>> } {
  return Object.entries(examples).every(
    ([name, value]) =>
      (splitNames as readonly string[]).includes(name) && !Array.isArray(value) && !isShaped(value),
  );
}

function isShaped(value: unknown): value is ShapedArray<readonly number[]> {
  const { shape, data } = Object(value) as Partial<ShapedArray<readonly number[]>>;
  return Array.isArray(shape) && data !== undefined;
}

/** Columns as sources know them; callers name features, which may read a column of another name. */
function toColumns(
  features: Readonly<Record<string, FeatureSpec>>,
  given: ExampleColumns<Record<string, unknown>>,
): ArrayColumns {
  const columns: Record<string, ArrayColumn> = {};
  for (const [name, values] of Object.entries(given)) {
    const feature = features[name];
    if (feature?.type === "sequence") {
      columns[feature.column] = sequenceColumn(values);
      continue;
    }
    if (feature !== undefined) requireRows(name, feature, values);
    const column = toColumn(name, feature?.type === "image" ? imagesOf(feature, values) : values);
    if (feature === undefined) columns[name] = column;
    else if (feature.type !== "vector") columns[feature.column] = column;
    else Object.assign(columns, vectorColumns(feature, column));
  }
  return columns;
}

/** Images of a canvas become `{shape, data}`; all others stay as they are. */
function imagesOf({ shape }: Extract<FeatureSpec, { type: "image" }>, values: unknown): unknown {
  if (!Array.isArray(values)) return values;
  return values.map((one: unknown) => (isCanvasPixels(one) ? fromCanvas(one, shape[2]) : one));
}

/** A flat array without a shape has one number per row; images and vectors of several need the shape. */
function requireRows(name: string, feature: FeatureSpec, values: unknown): void {
  const { shape } = feature as { readonly shape?: readonly number[] };
  if (shape === undefined || !ArrayBuffer.isView(values)) return;
  const { length } = values as unknown as ArrayLike<number>;
  const size = sizeOf(shape);
  if (size === 1) return;
  const dims = shape.join(", ");
  const rows = length % size === 0 ? String(length / size) : "rows";
  throw new DataError(
    "data-shape-mismatch",
    `'${name}' is a flat array of ${length} numbers, which does not say where an example ends: one is [${dims}]`,
    { place: name, help: `Pass { shape: [${rows}, ${dims}], data }, or a list of examples.` },
  );
}

/** Sequences of any length: each `{shape, data}` of a list becomes a list of its steps. */
function sequenceColumn(values: unknown): ArrayColumn {
  if (!Array.isArray(values)) return values as ArrayColumn;
  return values.map((value: unknown) => {
    if (!isShaped(value)) return value;
    const [steps = 0, channels = 1] = value.shape;
    const data = Array.from(value.data);
    return Array.from({ length: steps }, (_, i) => data.slice(i * channels, (i + 1) * channels));
  });
}

/** A vector that the spec reads from several columns is passed as one: it is taken apart again. */
function vectorColumns(
  { columns, shape }: Extract<FeatureSpec, { type: "vector" }>,
  values: ArrayColumn,
): ArrayColumns {
  const [first] = columns;
  if (columns.length === 1 && first !== undefined) return { [first]: values };
  const rows = rowsOf(values, sizeOf(shape));
  return Object.fromEntries(columns.map((column, i) => [column, rows.map((row) => row[i])]));
}

function rowsOf(values: ArrayColumn, width: number): ArrayLike<unknown>[] {
  if (Array.isArray(values)) return values as ArrayLike<unknown>[];
  const flat = ArrayBuffer.isView(values)
    ? values
    : (values as Exclude<ArrayColumn, readonly unknown[] | ArrayBufferView>).data;
  return Array.from({ length: flat.length / width }, (_, i) =>
    flat.subarray(i * width, (i + 1) * width),
  );
}

/** Turns a list of `{shape, data}` into one flat array, which is how sources take numbers of a shape. */
function toColumn(name: string, values: unknown): ArrayColumn {
  const items = Array.isArray(values) ? (values as unknown[]) : null;
  const [first] = items ?? [];
  if (items === null || !isShaped(first)) return values as ArrayColumn;
  const { shape } = first;
  const size = sizeOf(shape);
  const bytes = items.every(
    (item) =>
      isShaped(item) && (item.data instanceof Uint8Array || item.data instanceof Uint8ClampedArray),
  );
  const data = bytes ? new Uint8Array(items.length * size) : new Float32Array(items.length * size);
  items.forEach((item, i) => {
    if (!isShaped(item) || item.shape.join() !== shape.join() || item.data.length !== size) {
      throw new DlcError(
        "bad-input",
        `example ${i + 1} of ${name} has another shape than the first`,
        {
          place: `${name}, example ${i + 1}`,
          help: `All must have the shape [${shape.join(", ")}].`,
        },
      );
    }
    data.set(item.data, i * size);
  });
  return { data, shape: [items.length, ...shape] };
}
