/** @file What only the data can tell: classes, their counts, and scales, from the training split alone. */
import type { DataSpec, FeatureSpec, FittedFacts } from "../spec.js";
import { allFeatures, readMain } from "./dataset.js";
import { DataError } from "./errors.js";
import { type Encoded, encodeFeature } from "./features.js";
import { encodeLabels, findClasses } from "./labels.js";
import { sourceName } from "./sources/index.js";
import { columnOf, rowSize, type Table } from "./table.js";

/** Must the data be read to build the model? `counts`: class counts are needed, too. */
export function needsFacts(spec: DataSpec, options: { readonly counts?: boolean } = {}): boolean {
  return Object.values(allFeatures(spec)).some((feature) =>
    feature.type === "category"
      ? feature.classes === null || options.counts === true
      : isFitted(feature.scale),
  );
}

function isFitted(scale: "none" | "unit" | "standard" | "minmax"): boolean {
  return scale === "standard" || scale === "minmax";
}

/**
 * Facts of every feature and target that has any: classes (sorted) and counts of categories;
 * mean and deviation (population), or min and max, where the scale asks for them: one number for a
 * number, one per element of a vector, one per channel of an image. Only rows of the training split
 * count. A constant gets deviation 1, and max = min + 1, so that scaling it gives 0.
 */
export async function fitFacts(
  spec: DataSpec,
  options: { readonly base: string },
): Promise<FittedFacts> {
  if (spec.source.kind === "arrays") throw withoutData(spec);
  const { source, table, parts } = await readMain(spec, options);
  const facts: Record<string, FittedFacts[string]> = {};
  for (const [name, feature] of Object.entries(allFeatures(spec))) {
    try {
      const fact = await fitOne(name, feature, table, sourceName(source), parts.train);
      if (fact !== null) facts[name] = fact;
    } catch (error) {
      const group = Object.hasOwn(spec.features, name) ? "features" : "targets";
      throw error instanceof DataError ? error.at(`${group}.${name}`) : error;
    }
  }
  return facts;
}

/** Data that the program passes in are not there yet when the model is built. */
function withoutData({ features, targets }: DataSpec): DataError {
  const all = [
    ...Object.entries(features).map(([name, feature]) => ({
      path: `features.${name}`,
      name,
      feature,
    })),
    ...Object.entries(targets).map(([name, feature]) => ({
      path: `targets.${name}`,
      name,
      feature,
    })),
  ];
  const needs = ({ feature }: { readonly feature: FeatureSpec }): boolean =>
    feature.type === "category" ? feature.classes === null : isFitted(feature.scale);
  const found = all.find(needs) ?? all.find(({ feature }) => feature.type === "category");
  const [what, remedy] =
    found?.feature.type !== "category"
      ? ["the scale", "Scale the numbers before they are passed in, with scale: none in the spec"]
      : found.feature.classes === null
        ? ["the classes", "List the classes"]
        : ["the number of rows of each class", "Give class_weights as numbers"];
  return new DataError(
    "arrays-missing",
    `${what} of '${found?.name}' can only come from the data, which the program passes in`,
    {
      ...(found === undefined ? {} : { path: found.path }),
      help: `${remedy}, or name a source with files.`,
    },
  );
}

async function fitOne(
  name: string,
  feature: FeatureSpec,
  table: Table,
  source: string,
  rows: Uint32Array,
): Promise<FittedFacts[string] | null> {
  if (feature.type === "category") {
    const column = columnOf(table.columns, feature.column, source);
    const classes = feature.classes ?? findClasses(column, rows, name);
    const labels = encodeLabels(column, classes, name, rows);
    const counts = classes.map(() => 0);
    for (const row of rows) {
      const label = labels[row] as number;
      counts[label] = (counts[label] ?? 0) + 1;
    }
    return { classes, counts };
  }
  if (!isFitted(feature.scale)) return null;
  const encoded = await encodeFeature(name, feature, table, source, []);
  const size = rowSize(encoded.shape);
  const groups = feature.type === "image" ? feature.shape[2] : size;
  return feature.scale === "standard"
    ? standard(encoded, rows, size, groups)
    : extremes(encoded, rows, size, groups);
}

/** Two passes in float64: the mean first, then the squares around it. */
function standard(
  { data }: Encoded,
  rows: Uint32Array,
  size: number,
  groups: number,
): { mean: readonly number[]; deviation: readonly number[] } {
  const perGroup = (rows.length * size) / groups;
  const mean = new Float64Array(groups);
  const squares = new Float64Array(groups);
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      mean[i % groups] = (mean[i % groups] as number) + (data[row * size + i] as number);
    }
  }
  for (let g = 0; g < groups; g++) mean[g] = (mean[g] as number) / perGroup;
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      const d = (data[row * size + i] as number) - (mean[i % groups] as number);
      squares[i % groups] = (squares[i % groups] as number) + d * d;
    }
  }
  const deviation = Array.from(squares, (s) => Math.sqrt(s / perGroup) || 1);
  return { mean: [...mean], deviation };
}

function extremes(
  { data }: Encoded,
  rows: Uint32Array,
  size: number,
  groups: number,
): { min: readonly number[]; max: readonly number[] } {
  const min = new Float64Array(groups).fill(Number.POSITIVE_INFINITY);
  const max = new Float64Array(groups).fill(Number.NEGATIVE_INFINITY);
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      const value = data[row * size + i] as number;
      const g = i % groups;
      if (value < (min[g] as number)) min[g] = value;
      if (value > (max[g] as number)) max[g] = value;
    }
  }
  return { min: [...min], max: Array.from(max, (m, g) => (m === min[g] ? m + 1 : m)) };
}
