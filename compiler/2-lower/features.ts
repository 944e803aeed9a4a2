/**
 * @file Features and targets in the graph: from what the batch holds (raw) to what layers and losses
 * read (encoded), and back to the units of the data for predictions.
 */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import { bug } from "../diagnostics/diagnostic.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Shape, Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";

type Facts = FittedFacts[string] | undefined;

/** The class names of a category, from the spec or from the data. */
export function classesOf(name: string, spec: FeatureSpec, facts: FittedFacts): readonly string[] {
  if (spec.type !== "category") return bug(`'${name}' is not a category`);
  return spec.classes ?? facts[name]?.classes ?? bug(`the classes of '${name}' were not fitted`);
}

/** Shape of the raw tensor in the batch. */
function rawShape(spec: FeatureSpec): Shape {
  switch (spec.type) {
    case "image":
    case "vector":
      return ["n", ...spec.shape];
    case "number":
      return ["n", 1];
    case "category":
      return ["n"];
  }
}

const rawTypes = { image: "u8", number: "f32", vector: "f32", category: "i32" } as const;

/** The batch input of a feature or target, unencoded: u8, f32 or i32. */
export const rawInput = (b: GraphBuilder, name: string, spec: FeatureSpec): Value =>
  b.input(name, "batch", rawTypes[spec.type], rawShape(spec));

/** Encoded = (raw − shift)·factor; each one number or one per element of the trailing axes. */
interface Scaling {
  readonly shift: readonly number[];
  readonly factor: readonly number[];
}

/** A column without spread (deviation or range 0) is only shifted. */
const inverse = (spread: number): number => (spread === 0 ? 1 : 1 / spread);

function scalingOf(name: string, spec: FeatureSpec, facts: Facts): Scaling | null {
  if (spec.type === "category" || spec.scale === "none") return null;
  if (spec.scale === "unit") return { shift: [0], factor: [1 / 255] };
  if (spec.scale === "standard") {
    const { mean, deviation } = facts ?? {};
    if (mean === undefined || deviation === undefined) {
      return bug(`mean and deviation of '${name}' were not fitted`);
    }
    return { shift: mean, factor: deviation.map(inverse) };
  }
  const { min, max } = facts ?? {};
  if (min === undefined || max === undefined) return bug(`range of '${name}' was not fitted`);
  return { shift: min, factor: max.map((top, i) => inverse(top - (min[i] ?? 0))) };
}

/** A constant that broadcasts against values of `shape`: it covers the trailing axes it has numbers for. */
function spread(b: Builder, name: string, values: readonly number[], shape: Shape): Value {
  const [only] = values;
  if (values.length === 1 && only !== undefined) {
    return b.constant({ dtype: "f32", shape: [], value: only });
  }
  const axes: number[] = [];
  let covered = 1;
  for (const dim of shape.slice(1).reverse()) {
    if (covered === values.length) break;
    axes.unshift(Number(dim));
    covered *= Number(dim);
  }
  if (covered !== values.length) {
    bug(`${values.length} fitted numbers do not match the shape of '${name}'`);
  }
  return b.constant({ dtype: "f32", shape: axes, value: values });
}

/** What layers read: f32 scaled, one-hot `[n, classes]`, or the i32 index itself. */
export function encode(
  b: GraphBuilder,
  name: string,
  spec: FeatureSpec,
  facts: FittedFacts,
): Value {
  const raw = rawInput(b, name, spec);
  if (spec.type === "category") {
    if (spec.encode === "index") return raw;
    return b.oneHot(raw, { depth: classesOf(name, spec, facts).length, on: 1, off: 0 });
  }
  const shape = rawShape(spec);
  const x = spec.type === "image" ? b.cast(raw, { dtype: "f32" }) : raw;
  const scaling = scalingOf(name, spec, facts[name]);
  if (scaling === null) return x;
  const shifted = scaling.shift.every((s) => s === 0)
    ? x
    : b.sub(x, spread(b, name, scaling.shift, shape));
  return b.mul(shifted, spread(b, name, scaling.factor, shape));
}

/** The inverse of `encode` for scaled values: back to the units of the data. */
export function decode(
  b: Builder,
  x: Value,
  name: string,
  spec: FeatureSpec,
  facts: FittedFacts,
): Value {
  const scaling = scalingOf(name, spec, facts[name]);
  if (scaling === null) return x;
  const shape = rawShape(spec);
  const factor = scaling.factor.map((f) => 1 / f);
  const stretched = b.mul(x, spread(b, name, factor, shape));
  return scaling.shift.every((s) => s === 0)
    ? stretched
    : b.add(stretched, spread(b, name, scaling.shift, shape));
}
