/** @file What only the data can tell: classes, their counts, and scales, from the training split alone. */
import type { DataSpec, FeatureSpec, FittedFacts } from "../spec.js";
import { checkOwnSplits } from "./check-own-splits.js";
import { allFeatures, readMain } from "./dataset.js";
import { DataError } from "./errors.js";
import { type Encoded, encodeFeature } from "./features.js";
import { fitSequence, fitText } from "./fit-steps.js";
import { encodeLabels, findClasses } from "./labels.js";
import { nodeAccess } from "./node-access.js";
import { sourceName } from "./sources/index.js";
import type { Parts } from "./split.js";
import { columnOf, rowSize, type Table } from "./table.js";

/** Must the data be read to build the model? `counts`: class counts are needed, too. */
export function needsFacts(spec: DataSpec, options: { readonly counts?: boolean } = {}): boolean {
  return Object.values(allFeatures(spec)).some(
    (feature) => isUnsettled(feature) || (feature.type === "category" && options.counts === true),
  );
}

/** Does only the data tell something about it? */
function isUnsettled(feature: FeatureSpec): boolean {
  if (feature.type === "text") return true;
  if (feature.type === "category") return feature.classes === null;
  return isFitted(feature.scale) || (feature.type === "sequence" && feature.length === 0);
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
  options: {
    readonly base: string;
    /** Told of what is no mistake, but probably not meant. */
    readonly warn?: (warning: DataError) => void;
  },
): Promise<FittedFacts> {
  if (spec.source.kind === "arrays") throw withoutData(spec);
  const { source, table, parts } = await readMain(nodeAccess, spec, options);
  const facts: Record<string, FittedFacts[string]> = {};
  const warnings: DataError[] = [];
  const from = {
    table,
    source: sourceName(source),
    parts,
    warn: (w: DataError) => warnings.push(w),
  };
  for (const [name, feature] of Object.entries(allFeatures(spec))) {
    const group = Object.hasOwn(spec.features, name) ? "features" : "targets";
    try {
      const fact = await fitOne(name, feature, from);
      if (fact !== null) facts[name] = fact;
    } catch (error) {
      throw error instanceof DataError ? error.at(`${group}.${name}`) : error;
    }
    for (const warning of warnings.splice(0)) options.warn?.(warning.at(`${group}.${name}`));
  }
  await checkOwnSplits(spec, facts, options.base, (warning) => options.warn?.(warning));
  return facts;
}

/** The main source, as the facts are fitted on it. */
interface FitSource {
  readonly table: Table;
  readonly source: string;
  readonly parts: Parts;
  readonly warn: (warning: DataError) => void;
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
  const found =
    all.find(({ feature }) => isUnsettled(feature)) ??
    all.find(({ feature }) => feature.type === "category");
  const [what, remedy] = missingFact(found?.feature);
  return new DataError(
    "arrays-missing",
    `${what} of '${found?.name}' can only come from the data, which the program passes in`,
    {
      ...(found === undefined ? {} : { path: found.path }),
      help: `${remedy === null ? "Name" : `${remedy}, or name`} a source with files.`,
    },
  );
}

/** What the data would tell, and what to do without them. */
function missingFact(
  feature: FeatureSpec | undefined,
): readonly [what: string, remedy: string | null] {
  if (feature?.type === "text") return ["the vocabulary", null];
  if (feature?.type === "category") {
    return feature.classes === null
      ? ["the classes", "List the classes"]
      : ["the number of rows of each class", "Give class_weights as numbers"];
  }
  if (feature?.type === "sequence" && feature.length === 0) {
    return ["the number of steps", "Write max_length"];
  }
  return ["the scale", "Scale the numbers before they are passed in, with scale: none in the spec"];
}

async function fitOne(
  name: string,
  feature: FeatureSpec,
  { table, source, parts, warn }: FitSource,
): Promise<FittedFacts[string] | null> {
  const rows = parts.train;
  if (feature.type === "text") {
    return fitText(name, feature, columnOf(table.columns, feature.column, source), parts, warn);
  }
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
  if (!isUnsettled(feature)) return null;
  if (feature.type === "sequence") {
    const column = columnOf(table.columns, feature.column, source);
    const { encoded, facts } = fitSequence(name, feature, column);
    if (!isFitted(feature.scale)) return facts;
    const steps = stepsOf(encoded, rows);
    const all = new Uint32Array(steps.data.length / feature.channels).map((_, i) => i);
    const fit = feature.scale === "standard" ? standard : extremes;
    return { ...facts, ...fit(steps, all, feature.channels, feature.channels) };
  }
  const from = { table, source, facts: {}, pictures: nodeAccess.pictures };
  const encoded = await encodeFeature(name, feature, from);
  const size = rowSize(encoded.shape);
  const groups = feature.type === "image" ? feature.shape[2] : size;
  return feature.scale === "standard"
    ? standard(encoded, rows, size, groups)
    : extremes(encoded, rows, size, groups);
}

/** The steps of some rows that are there, without their last channel, one after the other. */
function stepsOf({ shape, data }: Encoded, rows: Uint32Array): Encoded {
  const [length = 0, width = 1] = shape;
  const channels = width - 1;
  const steps = new Float32Array(rows.length * length * channels);
  let at = 0;
  for (const row of rows) {
    for (let step = row * length; step < (row + 1) * length; step++) {
      if (data[step * width + channels] !== 1) break;
      for (let c = 0; c < channels; c++) steps[at++] = data[step * width + c] as number;
    }
  }
  return { dtype: "f32", shape: [channels], data: steps.subarray(0, at) };
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
