/** @file Walks the layers of a spec and lowers each, threading values and their shapes. */
import type { FeatureSpec, FittedFacts, StateSpec } from "@dlc/runtime";
import type { LayerUse, ResolvedSpec } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { GraphBuilder } from "../ir/builder.js";
import { shapeOf, typeOf, type Value } from "../ir/types.js";
import type { AnyLayerDef, LayerContext } from "../layers/define-layer.js";
import { layers as registry } from "../layers/index.js";
import { Rejection } from "../ops/define-op.js";
import { blame, LayerRejection, placeOf, type Source, titleOf } from "./blame.js";
import { classesOf, encode } from "./features.js";

/** A trained tensor as the walk met it. */
export interface WalkedWeight {
  readonly name: string;
  readonly value: Value;
  readonly decay: boolean;
  /** The layer's own penalties. */
  readonly l1: number;
  readonly l2: number;
  readonly layer: LayerUse;
}

export interface Walk {
  readonly b: GraphBuilder;
  /** Features that were read and all layers, in order. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly weights: readonly WalkedWeight[];
  /** New values of buffers; empty unless training. */
  readonly updates: readonly { readonly name: string; readonly value: Value }[];
}

export interface WalkOptions {
  readonly b: GraphBuilder;
  readonly training: boolean;
  readonly spec: ResolvedSpec;
  readonly facts: FittedFacts;
  readonly diagnostics: Diagnostics;
}

/** Lowers every layer. A layer that is rejected is reported and poisons what reads it, silently. */
export function walk({ b, training, spec, facts, diagnostics }: WalkOptions): Walk {
  const sources = new Map<string, Source>();
  const state: Record<string, StateSpec> = {};
  const weights: WalkedWeight[] = [];
  const updates: { name: string; value: Value }[] = [];
  const features = spec.data?.features ?? {};
  const blamed = new Set<string>();
  let sites = 0;

  /** A feature or an earlier layer, by name. */
  function source(name: string): Source {
    const known = sources.get(name);
    if (known !== undefined) return known;
    const feature = features[name];
    if (feature === undefined) return bug(`'${name}' is neither a feature nor an earlier layer`);
    const span = spec.dataSpans[name] ?? null;
    b.origin = { layer: `data.${name}`, type: feature.type, span, phase: "forward" };
    const value = encode(b, name, feature, facts);
    const made: Source = { name, type: feature.type, span, from: [], value };
    sources.set(name, made);
    return made;
  }

  function contextOf(
    layer: LayerUse,
    values: readonly Value[],
    names: readonly string[],
  ): LayerContext<Record<never, never>> {
    const own = (name: string): string => `${layer.name}.${name}`;
    const declare = (name: string, specification: StateSpec): Value => {
      if (state[name] !== undefined) bug(`two state tensors are named '${name}'`);
      state[name] = specification;
      return b.state(name, specification.dtype, specification.shape);
    };
    const [x = bug(`layer '${layer.name}' has no input`)] = values;
    return {
      b,
      inputs: values,
      inputNames: names,
      x,
      fields: layer.fields,
      name: layer.name,
      training,
      classes: indexClasses(names[0], features, facts),
      weight(name, shape, init, options = {}) {
        const { decay = false, l1 = 0, l2 = 0 } = options;
        const full = own(name);
        const specification = { dtype: "f32", shape, role: "weight", init } as const;
        const value = declare(full, { ...specification, layer: layer.name });
        weights.push({ name: full, value, decay, l1, l2, layer });
        return value;
      },
      buffer: (name, shape, init) =>
        declare(own(name), { dtype: "f32", shape, role: "buffer", init, layer: layer.name }),
      update(name, next) {
        if (!training) bug(`layer '${layer.name}' updates '${name}' outside training`);
        updates.push({ name: own(name), value: next });
      },
      random: (shape) =>
        b.randomUniform(b.input("random_key", "scalar", "u32", []), { shape, site: sites++ }),
      reject(reason, field) {
        throw new LayerRejection(reason, field ?? null);
      },
    };
  }

  function lowerLayer(layer: LayerUse): void {
    const definition: AnyLayerDef =
      registry.get(layer.type) ?? bug(`unknown layer type '${layer.type}'`);
    const names = layer.from.length > 0 ? layer.from : defaultInputs(layer);
    const inputs = names.map(source);
    const values = inputs.flatMap(({ value }) => (value === null ? [] : [value]));
    const finished = (value: Value | null): void => {
      const { name, type, span } = layer;
      sources.set(name, { name, type, span, from: names, value });
    };
    if (names.length === 0 || values.length < names.length) {
      finished(null);
      return;
    }
    b.origin = { layer: layer.name, type: layer.type, span: layer.span, phase: "forward" };
    const merged = layer.from.length === 0 ? [joined(values)] : values;
    try {
      checkTypes(definition, merged, names);
      finished(definition.lower(contextOf(layer, merged, names)));
    } catch (error) {
      if (!(error instanceof LayerRejection || error instanceof Rejection)) throw error;
      // A block that is used twice has one mistake.
      const mistake = JSON.stringify([layer.span, error.message]);
      if (!blamed.has(mistake)) blame(diagnostics, layer, error, sources, names);
      blamed.add(mistake);
      finished(null);
    }
  }

  /** The only feature, or all that are one axis of numbers after encoding. */
  function defaultInputs(layer: LayerUse): readonly string[] {
    const names = Object.keys(features);
    const flat = names.filter((name) => {
      const value = names.length === 1 ? null : source(name).value;
      return value === null || (shapeOf(value).length === 2 && typeOf(value).dtype === "f32");
    });
    if (flat.length === 0) {
      const reason =
        names.length === 0
          ? "the spec has no features"
          : `none of the features (${names.join(", ")}) is a list of numbers`;
      const title = titleOf(layer);
      diagnostics.report("no-default-input", placeOf(layer, null), { layer: title, reason });
    }
    return flat;
  }

  function joined(values: readonly Value[]): Value {
    const [only = bug("no input")] = values;
    return values.length === 1 ? only : b.concat(values, { axis: 1 });
  }

  for (const layer of spec.layers) lowerLayer(layer);
  return { b, sources, state, weights, updates };
}

/** Layers work on f32 unless they say otherwise: an index is only good for looking things up. */
function checkTypes(
  definition: AnyLayerDef,
  values: readonly Value[],
  names: readonly string[],
): void {
  const accepted = definition.accepts ?? ["f32"];
  values.forEach((value, i) => {
    if (accepted.includes(typeOf(value).dtype)) return;
    throw new LayerRejection(
      `needs numbers, but '${names[i]}' is a category given as an index`,
      null,
      "Put an embedding before it, or set `encode: one_hot` on the feature.",
    );
  });
}

function indexClasses(
  name: string | undefined,
  features: Readonly<Record<string, FeatureSpec>>,
  facts: FittedFacts,
): number | null {
  const feature = name === undefined ? undefined : features[name];
  if (name === undefined || feature?.type !== "category" || feature.encode !== "index") return null;
  return classesOf(name, feature, facts).length;
}
