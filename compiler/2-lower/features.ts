/**
 * @file Features and targets in the graph: from what the batch holds (raw) to what layers and losses
 * read (encoded), and back to the units of the data for predictions.
 */
import { type FeatureSpec, type FittedFacts, specialTokens } from "@dlc/runtime";
import { bug } from "../diagnostics/diagnostic.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Shape, Value } from "../ir/types.js";
import type { Ids } from "../layers/define-layer.js";
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
    case "text":
      return ["n", spec.length];
    case "sequence":
      return ["n", spec.length, spec.channels + 1];
  }
}

const rawTypes = {
  image: "u8",
  number: "f32",
  vector: "f32",
  category: "i32",
  text: "i32",
  sequence: "f32",
} as const;

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
  if (spec.type === "category" || spec.type === "text" || spec.scale === "none") return null;
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

/**
 * Where the examples of a text or sequence have steps: bool `[n, steps]`, false in the padding behind
 * the end. null: of this type every example is complete.
 */
export function maskOf(b: GraphBuilder, name: string, spec: FeatureSpec): Value | null {
  if (spec.type === "text") {
    const padding = b.constant({ dtype: "i32", shape: [], value: specialTokens.pad });
    return b.greater(rawInput(b, name, spec), padding);
  }
  if (spec.type !== "sequence") return null;
  const there = b.reshape(presence(b, name, spec), { shape: ["n", spec.length] });
  return b.greater(there, b.constant({ dtype: "f32", shape: [], value: 0 }));
}

/** What the i32 values of a feature or target are ids of; null: it is encoded as numbers. */
export function idsOf(name: string, spec: FeatureSpec, facts: FittedFacts): Ids | null {
  if (spec.type === "text") {
    return { count: vocabularyOf(name, facts).length, of: name, isText: true };
  }
  if (spec.type !== "category" || spec.encode !== "index") return null;
  return { count: classesOf(name, spec, facts).length, of: name, isText: false };
}

/** All tokens of a text, by id. */
export const vocabularyOf = (name: string, facts: FittedFacts): readonly string[] =>
  facts[name]?.vocabulary ?? bug(`the vocabulary of '${name}' was not fitted`);

type SequenceSpec = Extract<FeatureSpec, { type: "sequence" }>;

/** The last channel of a raw sequence, `[n, steps, 1]`: 1 where the step is there, else 0. */
function presence(b: GraphBuilder, name: string, spec: SequenceSpec): Value {
  const { channels } = spec;
  const last = { axes: [2], starts: [channels], ends: [channels + 1] };
  return b.slice(rawInput(b, name, spec), last);
}

/** The numbers of a sequence, scaled; padding stays 0. */
function encodeSequence(
  b: GraphBuilder,
  name: string,
  spec: SequenceSpec,
  facts: FittedFacts,
): Value {
  const { length, channels } = spec;
  const x = b.slice(rawInput(b, name, spec), { axes: [2], starts: [0], ends: [channels] });
  const scaling = scalingOf(name, spec, facts[name]);
  if (scaling === null) return x;
  const shape: Shape = ["n", length, channels];
  const factor = spread(b, name, scaling.factor, shape);
  if (scaling.shift.every((s) => s === 0)) return b.mul(x, factor);
  const scaled = b.mul(b.sub(x, spread(b, name, scaling.shift, shape)), factor);
  return b.mul(scaled, presence(b, name, spec));
}

/** What layers read: f32 scaled, one-hot `[n, classes]`, or the i32 index or ids themselves. */
export function encode(
  b: GraphBuilder,
  name: string,
  spec: FeatureSpec,
  facts: FittedFacts,
): Value {
  const raw = rawInput(b, name, spec);
  if (spec.type === "text") return raw;
  if (spec.type === "sequence") return encodeSequence(b, name, spec, facts);
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
  const shape: Shape =
    spec.type === "sequence" ? ["n", spec.length, spec.channels] : rawShape(spec);
  const factor = scaling.factor.map((f) => 1 / f);
  const stretched = b.mul(x, spread(b, name, factor, shape));
  return scaling.shift.every((s) => s === 0)
    ? stretched
    : b.add(stretched, spread(b, name, scaling.shift, shape));
}
