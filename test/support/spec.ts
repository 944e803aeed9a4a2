/**
 * @file Resolved specs for tests of later stages, from the YAML of a layer list and plain objects.
 * Follows the language's rules for layers (primary values, defaults, `as`, `from`) but checks nothing.
 */
import type { DataSpec, FeatureSpec, TrainSpec } from "@dlc/runtime";
import { isMap, isPair, isSeq, type Node, parseDocument, type Scalar } from "yaml";
import type {
  LayerUse,
  LossUse,
  OptimizerUse,
  ResolvedSpec,
  TrainUse,
} from "../../compiler/1-load/resolved-spec.js";
import type { Span } from "../../compiler/ir/origin.js";
import type { AnyLayerDef } from "../../compiler/layers/define-layer.js";
import type { Field } from "../../compiler/layers/fields.js";
import { layers as registry } from "../../compiler/layers/index.js";

export const file = "spec.yaml";

const spanOf = (node: unknown): Span => {
  const range = (node as Node).range ?? [0, 0, 0];
  return { file, start: range[0], end: range[1] };
};

function resolveFields(
  definition: AnyLayerDef,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const fields = definition.fields as Record<string, Field<unknown>>;
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      if (given[name] !== undefined) return [name, field.resolve(given[name])];
      if (field.default === undefined) throw new Error(`${definition.type} needs '${name}'`);
      return [name, field.default];
    }),
  );
}

/** Layers from the YAML of a `layers:` list, with spans into that text. */
export function layersOf(yaml: string): LayerUse[] {
  const root = parseDocument(yaml).contents;
  if (!isSeq(root)) throw new Error("expected a list of layers");
  const counts = new Map<string, number>();
  const result: LayerUse[] = [];
  for (const item of root.items) {
    const pairs = isMap(item) ? item.items : [];
    const plain = isMap(item) ? (item.toJSON() as Record<string, unknown>) : {};
    const entry = pairs.find((pair) => !["as", "from"].includes(String(pair.key)));
    const type = entry ? String(entry.key) : String((item as Scalar).value);
    const definition = registry.get(type);
    if (definition === undefined) throw new Error(`no layer '${type}'`);
    const fieldSpans: Record<string, Span> = { type: spanOf(entry ? entry.key : item) };
    const value = plain[type];
    const written = plain.from as string | string[] | Record<string, string> | undefined;
    const roles =
      typeof written === "object" && !Array.isArray(written) ? Object.keys(written) : undefined;
    let from = (roles === undefined ? written : Object.values(written as object)) as
      | string
      | string[]
      | undefined;
    let given: Record<string, unknown> = {};
    if (definition.inputs === "many" && Array.isArray(value)) from = value as string[];
    else if (definition.inputByValue === true && typeof value === "string") from = value;
    else if (entry && isMap(entry.value)) {
      given = value as Record<string, unknown>;
      for (const pair of entry.value.items) {
        if (isPair(pair)) fieldSpans[String(pair.key)] = spanOf(pair.value);
      }
    } else if (value !== undefined && value !== null && definition.primary !== null) {
      given = { [definition.primary]: value };
      fieldSpans[definition.primary] = spanOf(entry?.value);
    }
    const named = Object.keys(definition.roles ?? {}).filter((role) => role in given);
    const number = (counts.get(type) ?? 0) + 1;
    counts.set(type, number);
    const above = result.at(-1)?.name;
    const main = from === undefined ? (above === undefined ? [] : [above]) : [from].flat();
    const others = named.map((role) => String(given[role]));
    result.push({
      type,
      name: (plain.as as string | undefined) ?? `${type}_${number}`,
      named: plain.as !== undefined,
      from: others.length === 0 ? main : [...(main.length === 0 ? ["x"] : main), ...others],
      ...(roles === undefined && named.length === 0
        ? {}
        : { roles: [...(roles ?? ["input"]), ...named] }),
      fields: resolveFields(definition, given),
      span: spanOf(item),
      fieldSpans,
    });
  }
  return result;
}

/** A map of features or targets by name; the column is the name unless given. */
export type Features = Readonly<Record<string, FeatureSpec>>;

export const image = (...shape: [number, number, number]): FeatureSpec => ({
  type: "image",
  column: "image",
  shape,
  scale: "unit",
  resize: false,
});
export const vector = (...shape: number[]): FeatureSpec => ({
  type: "vector",
  columns: ["vector"],
  shape,
  scale: "none",
});
export const numeric = (scale: "none" | "standard" | "minmax" = "none"): FeatureSpec => ({
  type: "number",
  column: "number",
  scale,
});
export const category = (
  classes: readonly string[] | null,
  encode: "one_hot" | "index" = "one_hot",
): FeatureSpec => ({ type: "category", column: "category", classes, encode });

/** Ids of tokens, as many as `length`. */
export const text = (length: number): FeatureSpec => ({
  ...{ type: "text", column: "text", tokens: "char", length, vocabulary: 100 },
  ...{ lowercase: false, end: false, truncate: false, unknown: "replace" },
});

/** k class names: "c0", "c1", … */
export const classNames = (k: number): string[] => Array.from({ length: k }, (_, i) => `c${i}`);

export function lossUse(loss: Partial<LossUse>): LossUse {
  return {
    kind: "cross_entropy",
    name: loss.kind ?? "cross_entropy",
    output: null,
    target: null,
    weight: 1,
    labelSmoothing: 0,
    classWeights: null,
    delta: 1,
    reduce: "mean",
    span: { file, start: 0, end: 0 },
    nameSpan: { file, start: 0, end: 0 },
    classWeightSpans: new Map(),
    ...loss,
  };
}

export function optimizerUse(optimizer: Partial<OptimizerUse>): OptimizerUse {
  return {
    kind: "sgd",
    momentum: 0,
    nesterov: false,
    beta1: 0.9,
    beta2: 0.999,
    rho: 0.9,
    epsilon: 1e-7,
    weightDecay: 0,
    span: { file, start: 0, end: 0 },
    ...optimizer,
  };
}

const settings: TrainSpec = {
  seed: 1,
  batch: 4,
  epochs: 1,
  shuffle: true,
  learningRate: 0.001,
  schedule: { kind: "constant" },
  warmupSteps: 0,
  accumulate: 1,
  metrics: [],
  monitor: { metric: "loss", mode: "min" },
  earlyStopping: null,
  checkpoint: { everySteps: 0, keep: 1 },
};

export interface TrainParts {
  readonly losses?: readonly Partial<LossUse>[];
  readonly optimizer?: Partial<OptimizerUse>;
  readonly accumulate?: number;
  readonly clipNorm?: number;
  readonly clipValue?: number;
  readonly l1?: number;
  readonly l2?: number;
  readonly ema?: number;
}

export function trainUse(parts: TrainParts): TrainUse {
  return {
    settings: { ...settings, accumulate: parts.accumulate ?? 1 },
    losses: (parts.losses ?? [{}]).map(lossUse),
    optimizer: optimizerUse(parts.optimizer ?? {}),
    clipNorm: parts.clipNorm ?? null,
    clipValue: parts.clipValue ?? null,
    l1: parts.l1 ?? 0,
    l2: parts.l2 ?? 0,
    ema: parts.ema ?? null,
    span: { file, start: 0, end: 0 },
  };
}

/** A resolved spec; `train` null or absent: for inference only. */
export function specOf(parts: {
  readonly features: Features;
  readonly targets?: Features;
  /** YAML of the layer list. */
  readonly layers: string;
  readonly train?: TrainParts | null;
}): ResolvedSpec {
  const data: DataSpec = {
    source: { kind: "arrays" },
    validation: null,
    test: null,
    split: { validation: 0, test: 0, method: "random", by: [], seed: 1 },
    features: parts.features,
    targets: parts.targets ?? {},
  };
  const names = [...Object.keys(data.features), ...Object.keys(data.targets)];
  return {
    file,
    name: "test",
    description: null,
    data,
    dataSpans: Object.fromEntries(names.map((name, i) => [name, { file, start: i, end: i + 1 }])),
    layers: layersOf(parts.layers),
    modelSpan: { file, start: 0, end: 0 },
    train: parts.train === undefined || parts.train === null ? null : trainUse(parts.train),
    origins: [],
    canonical: "",
  };
}
